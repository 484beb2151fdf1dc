"""Terminal output as HTML: colours become CSS classes, progress bars keep only what was seen last.

Only SGR sequences mean something here; every other control sequence is dropped, as a log has no cursor to move.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from markupsafe import Markup, escape

_ESCAPE = re.compile(
    r"\x1b\[([0-9:;<=>?]*)[ -/]*([@-~])"  # CSI, of which `m` is SGR
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # OSC and other strings, to their end
    r"|\x1b[ -/]*[0-~]?",  # the short ones
    re.S,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_STYLES = {1: "bold", 2: "faint", 3: "italic", 4: "under", 7: "inverse", 9: "strike"}


@dataclass(frozen=True, slots=True)
class Pen:
    """What is switched on at a place in the output; it goes on over line ends."""

    styles: frozenset[str] = frozenset()
    fore: int | None = None
    back: int | None = None

    @property
    def classes(self) -> str:
        names = [f"a-{style}" for style in sorted(self.styles)]
        if self.fore is not None:
            names.append(f"af-{self.fore}")
        if self.back is not None:
            names.append(f"ab-{self.back}")
        return " ".join(names)


PLAIN = Pen()


def to_html(line: bytes, pen: Pen = PLAIN) -> tuple[Markup, Pen]:
    """One line without its line end, and the pen that the next line begins with."""
    text = collapse(line.decode("utf-8", "replace"))
    parts, at = [], 0
    for match in _ESCAPE.finditer(text):
        parts.append(_span(text[at : match.start()], pen))
        at = match.end()
        if match[2] == "m":
            pen = _apply(pen, match[1])
    parts.append(_span(text[at:], pen))
    return Markup("").join(parts), pen


def collapse(text: str) -> str:
    """What is left of a line on which carriage returns went back to its start: the last thing written."""
    if "\r" not in text:
        return text
    pieces = text.split("\r")
    shown = next((piece for piece in reversed(pieces) if _ESCAPE.sub("", piece).strip()), "")
    # Colours that were switched on before, in what was overwritten, still hold.
    before = text[: text.rindex(shown)] if shown else text
    return "".join(match[0] for match in _ESCAPE.finditer(before) if match[2] == "m") + shown


def _span(text: str, pen: Pen) -> Markup:
    clean = escape(_CONTROL.sub("", text))
    if not clean or not pen.classes:
        return clean
    return Markup('<span class="{}">{}</span>').format(pen.classes, clean)


def _apply(pen: Pen, parameters: str) -> Pen:
    codes = [int(code) if code.isdigit() and len(code) < 6 else 0 for code in re.split("[;:]", parameters)]
    at = 0
    while at < len(codes):
        code = codes[at]
        if code in (38, 48):
            colour, used = _extended(codes[at + 1 :])
            pen = replace(pen, fore=colour) if code == 38 else replace(pen, back=colour)
            at += used
        else:
            pen = _one(pen, code)
        at += 1
    return pen


def _one(pen: Pen, code: int) -> Pen:
    if code == 0:
        return PLAIN
    if code in _STYLES:
        return replace(pen, styles=pen.styles | {_STYLES[code]})
    if code == 22:
        return replace(pen, styles=pen.styles - {"bold", "faint"})
    if code - 20 in _STYLES:
        return replace(pen, styles=pen.styles - {_STYLES[code - 20]})
    if code == 39:
        return replace(pen, fore=None)
    if code == 49:
        return replace(pen, back=None)
    for base, first in ((30, 0), (90, 8)):
        if base <= code < base + 8:
            return replace(pen, fore=code - base + first)
        if base + 10 <= code < base + 18:
            return replace(pen, back=code - base - 10 + first)
    return pen


def _extended(rest: list[int]) -> tuple[int | None, int]:
    """`5;n` or `2;r;g;b` as the nearest of the sixteen colours, and how many numbers that took."""
    if len(rest) >= 2 and rest[0] == 5:
        return _nearest(_palette(rest[1])) if rest[1] >= 16 else rest[1], 2
    if len(rest) >= 4 and rest[0] == 2:
        return _nearest((rest[1], rest[2], rest[3])), 4
    return None, len(rest)


def _palette(index: int) -> tuple[int, int, int]:
    if index >= 232:
        grey = 8 + 10 * (min(index, 255) - 232)
        return grey, grey, grey
    cube = index - 16
    levels = [0, 95, 135, 175, 215, 255]
    return levels[cube // 36], levels[cube // 6 % 6], levels[cube % 6]


def _nearest(colour: tuple[int, int, int]) -> int:
    def distance(index: int) -> int:
        return sum((a - b) ** 2 for a, b in zip(colour, _SIXTEEN[index], strict=True))

    return min(range(16), key=distance)


_SIXTEEN = [
    (0, 0, 0), (170, 0, 0), (0, 170, 0), (170, 85, 0), (0, 0, 170), (170, 0, 170), (0, 170, 170), (170, 170, 170),
    (85, 85, 85), (255, 85, 85), (85, 255, 85), (255, 255, 85), (85, 85, 255), (255, 85, 255), (85, 255, 255),
    (255, 255, 255),
]  # fmt: skip
