"""A place in all logs of a training, short enough for an address: how many bytes of each attempt come before it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from uuid import UUID

from app.errors import InvalidInput

TEXT_MAX = 12_000
"""What still fits into an address; a place in thousands of long logs does not."""
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_CHECK = 8


def place_text(before: Mapping[UUID, int], attempts: Collection[UUID]) -> str:
    """The place as text; empty when nothing comes before it, or when it would be too long.

    Ids grow with time, so attempts that are made later do not change what the text of today means.
    """
    ids = sorted(attempts)
    while ids and not before.get(ids[-1]):
        ids.pop()
    text = f"{_check(ids)}-{'.'.join(_base36(before.get(one, 0)) for one in ids)}"
    return text if ids and len(text) <= TEXT_MAX else ""


def read_place(text: str, attempts: Collection[UUID]) -> dict[UUID, int]:
    """The inverse. Raises `InvalidInput` for what is not a place in these logs."""
    check, _, counts = text.partition("-")
    values = counts.split(".")
    ids = sorted(attempts)[: len(values)]
    if len(ids) < len(values) or check != _check(ids) or not all(_is_count(value) for value in values):
        raise InvalidInput("This is not a place in these logs; open the log again.")
    return {one: int(value, 36) for one, value in zip(ids, values, strict=True)}


def _check(ids: list[UUID]) -> str:
    return hashlib.sha256(b"".join(one.bytes for one in ids)).hexdigest()[:_CHECK]


def _is_count(text: str) -> bool:
    return 0 < len(text) <= 11 and set(text) <= set(_DIGITS)


def _base36(count: int) -> str:
    digits = ""
    while count:
        count, digit = divmod(count, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
