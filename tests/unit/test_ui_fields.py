"""What forms send is read as people mean it, and what cannot be read is said beside its field."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData

from app.errors import InvalidInput
from app.ui.fields import Sent, span_of, span_text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2 h", 7200),
        ("2h", 7200),
        ("1 h 30 min", 5400),
        ("90m", 5400),
        ("90 minutes", 5400),
        ("10 sec", 10),
        ("1d 1s", 86401),
        ("0", 0),
        ("PT90M", 5400),
        ("P1DT2H", 93600),
        ("pt5s", 5),
        ("", None),
        ("P", None),
        ("PT", None),
        ("2", None),
        ("h", None),
        ("-2 h", None),
        ("2 fortnights", None),
        ("1 h nonsense", None),
        ("999999999 d", None),
        ("٣ h", None),
    ],
)  # fmt: skip
def test_durations(text: str, seconds: int | None) -> None:
    assert span_of(text) == (None if seconds is None else timedelta(seconds=seconds))


@given(st.integers(0, 10**8))
def test_a_duration_shown_reads_back_the_same(seconds: int) -> None:
    assert span_of(span_text(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


def test_fields_are_read_and_wrong_ones_named() -> None:
    sent = Sent(
        FormData(
            [("a", " 2 "), ("b", "two"), ("c", "x\r\ny\0"), ("env_name", "A"), ("env_value", "1"),
             ("env_name", ""), ("env_value", ""), ("env_name", "A"), ("env_value", "2"), ("env_name", ""),
             ("env_value", "3"), ("labels", "disk=ssd\n\nbroken"), ("long", "1 week")]
        )
    )  # fmt: skip
    assert sent.integer("a", "/a") == 2
    assert sent.integer("b", "/b", 1) == 1
    assert sent.integer("missing", "/m") is None
    assert sent.raw("c") == "x\ny"
    assert sent.table("env_name", "env_value", "/env") == {"A": "1"}
    assert sent.pairs("labels", "/labels") == {"disk": "ssd"}
    assert sent.span("long", "/long") is None
    with pytest.raises(InvalidInput) as caught:
        sent.check()
    assert [error.pointer for error in caught.value.errors] == ["/b", "/env/A", "/env", "/labels", "/long"]


def test_nothing_wrong_raises_nothing() -> None:
    Sent(FormData([("a", "1")])).check()
