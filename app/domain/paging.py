"""Keyset lists: a page of at most `limit` items, and an opaque cursor to where the next one begins.

A cursor holds the sort key of the last item seen and belongs to the list (with its filters) that it was made for.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.errors import FieldError, InvalidInput

T = TypeVar("T")
U = TypeVar("U")
LARGEST = 200
Key = tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page: after the item with the sort key `after` (None: from the start)."""

    limit: int = 50
    after: Key | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """The items, and the sort key to go on after; None when this is the last page."""

    items: tuple[T, ...]
    next: Key | None = None

    def map(self, change: Callable[[T], U]) -> Page[U]:
        return Page(tuple(change(item) for item in self.items), self.next)


def list_scope(path: str, filters: Iterable[tuple[str, str]]) -> str:
    """What a cursor is bound to: the list's path and its filters, in any order."""
    return hashlib.sha256(json.dumps([path, sorted(filters)]).encode()).hexdigest()[:12]


def encode_cursor(after: Key, scope: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([scope, *after], separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, scope: str) -> Key:
    """Raises `InvalidInput` for anything that `encode_cursor` did not make for the same scope."""
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError) as exc:
        raise bad_cursor() from exc
    if not isinstance(found, list) or len(found) < 2 or found[0] != scope:
        raise bad_cursor()
    if not all(isinstance(part, str | int | None) and not isinstance(part, bool) for part in found[1:]):
        raise bad_cursor()
    return tuple(found[1:])


def bad_cursor() -> InvalidInput:
    detail = "The cursor does not belong to this list: take next_cursor from a page with the same filters."
    return InvalidInput(detail, code="bad_cursor", errors=[FieldError("/cursor", detail)])
