"""Code with colours, on the server: Pygments with CSS classes and line numbers that can be linked to."""

from __future__ import annotations

from markupsafe import Markup
from pygments import highlight as paint
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import DiffLexer, TextLexer, get_lexer_by_name, get_lexer_for_filename
from pygments.util import ClassNotFound

# Highlighting is for reading; nobody reads more, and lexers are not fast.
LARGEST = 512 * 1024


def code(text: str, *, filename: str = "", language: str = "") -> Markup:
    """`text` as a `<div class="code">`; plain when its language is unknown or it is very long."""
    formatter = HtmlFormatter(cssclass="code", linenos="inline", lineanchors="L", anchorlinenos=True)
    return Markup(paint(text, _lexer(text, filename, language), formatter))


def _lexer(text: str, filename: str, language: str) -> Lexer:
    found: Lexer = TextLexer(stripnl=False)
    if len(text) > LARGEST:
        return found
    try:
        found = (
            get_lexer_by_name(language, stripnl=False) if language else get_lexer_for_filename(filename, stripnl=False)
        )
    except ClassNotFound:
        return found
    return found


def diff(text: str) -> Markup:
    """A unified diff of one file with colours besides its signs; the two lines that name the file are left out."""
    _, named, rest = text.partition("\n+++ ")
    if named:
        text = rest.partition("\n")[2]
    return Markup(paint(text, DiffLexer(stripnl=False), HtmlFormatter(cssclass="code diff")))
