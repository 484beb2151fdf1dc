"""The outbox as its senders see it: rows that are due are claimed, sent outside of any transaction, and marked.

A claim moves `due_at` on: when nothing more is heard of a sender, somebody else tries again. Its number goes into every
mark, so that a sender who comes back late changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Integer, Text

from app.domain.notice import Channel, Notice, NoticeKind
from app.domain.retries import MOST_TRIES

# Places with something to send are found one after the other by the index, however many rows each has.
_CLAIM = text("""
    WITH RECURSIVE places AS (
        SELECT min(place) AS place FROM deliveries WHERE state = 'pending'
        UNION ALL
        SELECT (SELECT min(d.place) FROM deliveries d WHERE d.state = 'pending' AND d.place > places.place)
        FROM places WHERE places.place IS NOT NULL
    ), due AS (
        SELECT found.*
        FROM places
        LEFT JOIN unnest(:busy, :counts) AS busy(place, count) ON busy.place = places.place
        CROSS JOIN LATERAL (
            SELECT d.subscription_id, d.notice_id, d.tries_left, d.due_at FROM deliveries d
            WHERE d.state = 'pending' AND d.place = places.place AND d.due_at <= now()
            ORDER BY d.due_at LIMIT greatest(:each - coalesce(busy.count, 0), 0) FOR UPDATE SKIP LOCKED
        ) found
        ORDER BY found.due_at LIMIT :free
    )
    UPDATE deliveries d
    SET claim = d.claim + 1, tries = d.tries + least(due.tries_left, 1), tries_left = greatest(due.tries_left - 1, 0),
        tried_at = clock_timestamp(), due_at = clock_timestamp() + make_interval(secs => :seconds)
    FROM due, subscriptions s, notices n
    WHERE d.subscription_id = due.subscription_id AND d.notice_id = due.notice_id
      AND s.id = d.subscription_id AND n.id = d.notice_id
    RETURNING d.subscription_id, d.claim, d.place, d.tries_left, due.tries_left AS left_before,
              s.channel, s.target, s.secret, s.disabled_at,
              CASE WHEN s.old_secret_until > now() THEN s.old_secret END AS old_secret,
              n.id AS notice_id, n.kind, n.project_id, n.training_id, n.data, n.at
""").bindparams(bindparam("busy", type_=ARRAY(Text)), bindparam("counts", type_=ARRAY(Integer)))
_MARK = text("""
    UPDATE deliveries SET state = :state, status = :status, answer = :answer, problem = :problem,
           due_at = clock_timestamp() + make_interval(secs => :wait)
    WHERE subscription_id = :subscription_id AND notice_id = :notice_id AND claim = :claim AND state = 'pending'
""")


@dataclass(frozen=True, slots=True)
class Parcel:
    """One claimed delivery with all that sending needs. Secrets are sealed, the newest first."""

    notice: Notice
    subscription_id: UUID
    claim: int
    place: str
    channel: Channel
    target: str
    secrets: tuple[bytes, ...]
    failures: int  # when this try fails too
    last: bool  # no try is left after this one
    exhausted: bool  # not even this one: whoever had the last one never came back
    disabled: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a try; `answer` is bounded by whoever made it."""

    status: int | None = None
    answer: str = ""
    problem: str = ""


async def claim(
    connection: AsyncConnection, *, free: int, each: int, busy: Mapping[str, int], seconds: float
) -> list[Parcel]:
    """At most `free` due deliveries, and at most `each` of a place with those that are under way (`busy`)."""
    values = {"free": free, "each": each, "busy": list(busy), "counts": list(busy.values()), "seconds": seconds}
    return [_parcel_of(row) for row in await connection.execute(_CLAIM, values)]


async def mark_sent(connection: AsyncConnection, parcel: Parcel, result: Result) -> None:
    await _mark(connection, parcel, "sent", result, timedelta(0))


async def mark_failed(connection: AsyncConnection, parcel: Parcel, result: Result, *, wait: timedelta | None) -> None:
    """To be tried again after `wait`; None gives it up."""
    state = "failed" if wait is None else "pending"
    await _mark(connection, parcel, state, result, wait or timedelta(0))


async def _mark(connection: AsyncConnection, parcel: Parcel, state: str, result: Result, wait: timedelta) -> None:
    values = {
        "subscription_id": parcel.subscription_id,
        "notice_id": parcel.notice.id,
        "claim": parcel.claim,
        "state": state,
        "status": result.status,
        "answer": result.answer,
        "problem": result.problem,
        "wait": wait.total_seconds(),
    }
    await connection.execute(_MARK, values)


def _parcel_of(row: Row[Any]) -> Parcel:
    return Parcel(
        notice=Notice(row.notice_id, NoticeKind(row.kind), row.project_id, row.training_id, row.data, row.at),
        subscription_id=row.subscription_id,
        claim=row.claim,
        place=row.place,
        channel=Channel(row.channel),
        target=row.target,
        secrets=tuple(secret for secret in (row.secret, row.old_secret) if secret is not None),
        failures=MOST_TRIES - row.tries_left,
        last=row.tries_left == 0,
        exhausted=row.left_before == 0,
        disabled=row.disabled_at is not None,
    )
