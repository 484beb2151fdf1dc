"""What somebody who types a few letters is taken to look for."""

from __future__ import annotations

from uuid import UUID

import pytest

from app.domain.search import matching_pages, matching_reasons, matching_states, parse
from app.domain.training import Reason, State


@pytest.mark.parametrize(
    ("text", "words", "number"),
    [
        ("", (), None),
        ("  ?!", (), None),
        ("Digits-PS", ("digits", "ps"), None),
        ("digits 17", ("digits",), 17),
        ("digits#17", ("digits",), 17),
        ("#17", (), 17),
        ("017", (), 17),
        ("v2 17", ("v2",), 17),
        ("resnet 50 3", ("resnet", "50"), 3),
        ("resnet 50 50", ("resnet", "50"), 50),
        ("9" * 12, ("9" * 12,), None),
        ("' & | ! :*", (), None),
        ("größe", ("gr", "e"), None),
    ],
)
def test_words_and_numbers(text: str, words: tuple[str, ...], number: int | None) -> None:
    found = parse(text)
    assert (found.words, found.number) == (words, number)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("0199ab", "0199ab00-0000-0000-0000-000000000000", "0199abff-ffff-ffff-ffff-ffffffffffff"),
        ("0199AB12-34", "0199ab12-3400-0000-0000-000000000000", "0199ab12-34ff-ffff-ffff-ffffffffffff"),
        ("fed", None, None),
        ("feed me", None, None),
        ("1" * 33, None, None),
    ],
)
def test_beginnings_of_ids(text: str, first: str | None, last: str | None) -> None:
    assert parse(text).ids == ((UUID(first), UUID(last)) if first and last else None)


def test_reasons_states_and_pages_by_the_beginnings_of_their_words() -> None:
    assert matching_reasons(["mem"]) == [Reason.OUT_OF_MEMORY]
    assert matching_reasons(["out", "of", "mem"]) == [Reason.OUT_OF_MEMORY]
    assert matching_reasons(["ory"]) == []
    assert matching_reasons([]) == []
    assert matching_states(["run"]) == [State.RUNNING]
    assert ("Audit log", "/admin/audit") in matching_pages(["audit"], admin=True)
    assert matching_pages(["audit"], admin=False) == []
    assert ("Cluster: queue", "/cluster/queue") in matching_pages(["clu", "que"], admin=False)
