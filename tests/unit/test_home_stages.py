"""The first page shows a training once, though it may go on while the page is put together."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from app.ui.routes.home import seen_last
from tests.support.decisions import training

A, B, C = (replace(training(), id=UUID(int=number)) for number in (1, 2, 3))


def test_what_went_on_stands_where_it_was_seen_last() -> None:
    assert seen_last([A, B], [B, C], [C]) == [[A], [B], [C]]
    assert seen_last([A], [], [A]) == [[], [], [A]]
    assert seen_last([], [B, A], []) == [[], [B, A], []]
