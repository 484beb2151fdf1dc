"""The database side of keyset lists."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Integer, Row, Select, Uuid, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.paging import Key, Page, PageRequest, bad_cursor

T = TypeVar("T")


async def fetch_page(
    connection: AsyncConnection,
    query: Select[Any],
    request: PageRequest,
    *,
    key: tuple[ColumnElement[Any], ...],
    make: Callable[[Row[Any]], T],
    descending: bool = False,
) -> Page[T]:
    """One page of `query`, ordered by `key`, whose columns must be selected, not null and together unique.

    Raises `InvalidInput` when the cursor's values do not fit the columns.
    """
    if request.after is not None:
        after = tuple_(*_typed(request.after, key))
        query = query.where(tuple_(*key) < after if descending else tuple_(*key) > after)
    query = query.order_by(*(column.desc() if descending else column for column in key)).limit(request.limit + 1)
    rows = (await connection.execute(query)).all()
    shown = rows[: request.limit]
    more = len(rows) > request.limit
    last = tuple(_plain(shown[-1]._mapping[column]) for column in key) if more else None
    return Page(tuple(make(row) for row in shown), last)


def _typed(after: Key, key: tuple[ColumnElement[Any], ...]) -> list[Any]:
    if len(after) != len(key):
        raise bad_cursor()
    try:
        return [_value(part, column) for part, column in zip(after, key, strict=True)]
    except (TypeError, ValueError) as exc:
        raise bad_cursor() from exc


def _value(part: str | int | None, column: ColumnElement[Any]) -> Any:
    if isinstance(column.type, Integer):
        if not isinstance(part, int) or abs(part) >= 2**31:
            raise ValueError(part)
        return part
    if not isinstance(part, str) or "\0" in part:
        raise ValueError(part)
    part.encode()  # a lone surrogate has no place in a text column
    if isinstance(column.type, Uuid):
        return UUID(part)
    if isinstance(column.type, DateTime):
        moment = datetime.fromisoformat(part)
        if moment.tzinfo is None:
            raise ValueError(part)
        return moment
    return part


def _plain(value: Any) -> str | int:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, int) else str(value)
