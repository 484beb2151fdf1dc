"""If-Match."""

from __future__ import annotations

import pytest

from app.api.etags import etag, parse_if_match
from app.errors import InvalidInput, PreconditionFailed, PreconditionRequired


@pytest.mark.parametrize("value", ['"3"', 'W/"3"', '"1", "3"', "*", " * "])
def test_the_present_revision_passes(value: str) -> None:
    parse_if_match(value).check(3)


@pytest.mark.parametrize("value", ['"2"', '"1", "2"', etag(4)])
def test_another_revision_fails(value: str) -> None:
    with pytest.raises(PreconditionFailed, match="Load it again"):
        parse_if_match(value).check(3)


def test_it_is_required() -> None:
    with pytest.raises(PreconditionRequired, match="If-Match"):
        parse_if_match(None)


@pytest.mark.parametrize("value", ["", "3", '"x"', '"3" "4"', '"' + "9" * 19 + '"'])
def test_what_is_no_etag_is_said_to_be_none(value: str) -> None:
    with pytest.raises(InvalidInput, match="must be an ETag"):
        parse_if_match(value)
