"""Cursors."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.paging import decode_cursor, encode_cursor, list_scope
from app.errors import InvalidInput

SCOPE = list_scope("/api/v1/things", [("state", "running")])


@given(st.lists(st.one_of(st.text(), st.integers(), st.none()), min_size=1).map(tuple))
def test_a_cursor_gives_back_its_key(key: tuple[str | int | None, ...]) -> None:
    assert decode_cursor(encode_cursor(key, SCOPE), SCOPE) == key


@given(st.text())
def test_anything_else_is_the_callers_error(text: str) -> None:
    with pytest.raises(InvalidInput):
        decode_cursor(text, SCOPE)


@pytest.mark.parametrize("content", [[], [SCOPE], [SCOPE, True], [SCOPE, [1]], {"a": 1}, "x", [1, 2]])
def test_json_that_is_no_cursor_is_refused(content: object) -> None:
    with pytest.raises(InvalidInput):
        decode_cursor(base64.urlsafe_b64encode(json.dumps(content).encode()).decode(), SCOPE)


def test_a_scope_is_the_path_and_the_filters_in_any_order() -> None:
    filters = [("state", "failed"), ("state", "running"), ("project", "p")]
    assert list_scope("/a", filters) == list_scope("/a", filters[::-1])
    assert list_scope("/a", filters) != list_scope("/b", filters)
    assert list_scope("/a", filters) != list_scope("/a", filters[1:])
