"""Terminal output becomes text with classes, and never markup of its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ui.ansi import PLAIN, Pen, to_html


@pytest.mark.parametrize(
    ("line", "html"),
    [
        (b"plain", "plain"),
        (b"<b>&\"'", "&lt;b&gt;&amp;&#34;&#39;"),
        (b"\x1b[31mred\x1b[0m end", '<span class="af-1">red</span> end'),
        (b"\x1b[1;4;92mx\x1b[22my\x1b[24;39mz", '<span class="a-bold a-under af-10">x</span>'
         '<span class="a-under af-10">y</span>z'),
        (b"\x1b[38;5;9ma\x1b[38;5;196mb\x1b[48;2;0;0;160mc\x1b[m", '<span class="af-9">a</span>'
         '<span class="af-1">b</span><span class="af-1 ab-4">c</span>'),
        (b"\x1b[38;5mcut\x1b[38;2;1mcut", "cutcut"),
        (b"\x1b[2K\x1b[1Gkept\x1b]0;title\x07\x1b(B", "kept"),
        (b"\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"bell\x07 back\x08 tab\t null\x00", "bell back tab\t null"),
        ("héllo ✓".encode(), "héllo ✓"),
        (b"\xff\xfe", "��"),
        (b"\x1b", ""),
        (b"\x1b[999999999999mx", "x"),
    ],
)  # fmt: skip
def test_lines(line: bytes, html: str) -> None:
    assert to_html(line)[0] == html


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b" 10%|#  |\r 50%|## |\r100%|###|", "100%|###|"),
        (b" 10%|#  |\r100%|###|\r", "100%|###|"),
        (b"done\r", "done"),
        (b"\r\r", ""),
        (b"\x1b[32m 1/2\r 2/2", '<span class="af-2"> 2/2</span>'),
        (b"old\x1b[31m\r\x1b[Knew", '<span class="af-1">new</span>'),
    ],
)
def test_progress_bars_keep_what_was_written_last(line: bytes, shown: str) -> None:
    assert to_html(line)[0] == shown


def test_colours_go_on_over_line_ends() -> None:
    _, pen = to_html(b"\x1b[7;33mfirst")
    assert pen == Pen(frozenset({"inverse"}), 3)
    assert to_html(b"second", pen)[0] == '<span class="a-inverse af-3">second</span>'
    assert to_html(b"\x1b[0m", pen)[1] == PLAIN


@given(st.binary(max_size=300))
def test_no_bytes_make_markup(line: bytes) -> None:
    html, _ = to_html(line)
    assert "\x1b" not in html
    assert html.count("<") == 2 * html.count("</span>")
    assert html.count("<span class=") == html.count("</span>")
