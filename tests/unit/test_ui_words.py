"""Every state, reason and kind has words, sizes too, and a browser is called what people call it."""

from __future__ import annotations

import pytest

from app.domain.project import Framework
from app.domain.training import Trigger
from app.ui.browser_words import browser_words
from app.ui.filters import size
from app.ui.words import framework_words, started_by

GECKO = "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0"
WEBKIT = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) {}"
CHROME, MACINTOSH = "Chrome/142.0.0.0 Safari/537.36", "Macintosh; Intel Mac OS X 10_15_7"


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (GECKO, "Firefox 146 on Linux"),
        (WEBKIT.format("Windows NT 10.0; Win64; x64", CHROME), "Chrome 142 on Windows"),
        (WEBKIT.format("Windows NT 10.0; Win64; x64", f"{CHROME} Edg/142.0.0.0"), "Edge 142 on Windows"),
        (WEBKIT.format(MACINTOSH, "Version/26.1 Safari/605.1.15"), "Safari 26 on macOS"),
        (WEBKIT.format("Linux; Android 16; K", "Chrome/142.0.0.0 Mobile Safari/537.36"), "Chrome 142 on Android"),
        (
            WEBKIT.format("iPhone; CPU iPhone OS 19_1 like Mac OS X", "Version/26.1 Mobile/15E148 Safari/604.1"),
            "Safari 26 on iOS",
        ),
        (WEBKIT.format("X11; CrOS x86_64 14541.0.0", CHROME), "Chrome 142 on ChromeOS"),
        ("curl/8.14.1", "curl/8.14.1"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_called_what_people_call_it(user_agent: str, words: str) -> None:
    assert browser_words(user_agent) == words


def test_no_raw_word_of_a_kind_is_shown() -> None:
    assert [framework_words(one) for one in Framework] == ["TensorFlow", "PyTorch", "Plain"]
    said = [started_by(one) for one in Trigger]
    assert len(set(said)) == len(said)
    assert not {one.value for one in Trigger} & {words.lower() for words in said}


@pytest.mark.parametrize(
    ("count", "words"),
    [(None, "–"), (0, "0 bytes"), (1, "1 byte"), (22, "22 bytes"), (1536, "1.5 KiB"), (300 * 1024**2, "300 MiB")],
)
def test_sizes(count: int | None, words: str) -> None:
    assert size(count) == words
