"""Frozen domain values to and from the JSON of a JSONB column: durations in ISO 8601, times in RFC 3339."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

_T = TypeVar("_T")


def to_json(value: Any) -> Any:
    """The value as dicts, lists, strings and numbers."""
    return msgspec.to_builtins(value, str_keys=True)


def from_json(data: Any, kind: type[_T]) -> _T:
    """The inverse. A field that was unknown when the row was written takes its default; unknown ones are ignored.

    Raises `msgspec.ValidationError` when the row does not fit.
    """
    return msgspec.convert(data, kind, str_keys=True)
