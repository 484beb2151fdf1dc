"""Claims on rows: which worker works on which row now, for every table that workers reconcile.

A claim is three columns of the row: who, until when, and an epoch that grows with every claim. Whoever writes says
the epoch it was given; when another worker has claimed the row since, nothing is written. Such a table has `id`,
`intent_gen`, `seen_gen`, `wake_at`, `claimed_by`, `claim_epoch` and `claimed_until`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Uuid

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who writes, and by which claim."""

    worker: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Claim(Generic[T]):
    """What a worker may write, as it was when it was claimed. `now` is by the database's clock."""

    id: UUID
    value: T
    epoch: int
    now: datetime


class ClaimTable(Generic[T]):
    """The claims of one table. `due` is SQL that holds of rows to be looked at; `value_of` makes a row's value."""

    def __init__(self, table: str, *, due: str, value_of: Callable[[Row[Any]], T]) -> None:
        self._value_of = value_of
        self._claim = text(f"""
            UPDATE {table} SET claimed_by = :worker, claim_epoch = claim_epoch + 1,
                   claimed_until = clock_timestamp() + make_interval(secs => :seconds)
            WHERE id IN (
                SELECT id FROM {table}
                WHERE {due} AND (claimed_until IS NULL OR claimed_until <= now())
                ORDER BY wake_at LIMIT :most FOR UPDATE SKIP LOCKED)
            RETURNING *, clock_timestamp() AS db_now
        """)
        self._renew = text(f"""
            UPDATE {table} SET claimed_until = clock_timestamp() + make_interval(secs => :seconds)
            WHERE id = :id AND claim_epoch = :epoch AND claimed_by = :worker
        """)
        # What changed while it was being decided on is due at once: the decision was about an older row.
        self._release = text(f"""
            UPDATE {table} SET seen_gen = :gen, claimed_by = NULL, claimed_until = NULL,
                   wake_at = CASE WHEN intent_gen = :gen
                                  THEN coalesce(CAST(:wake_at AS timestamptz), 'infinity') ELSE now() END
            WHERE id = :id AND claim_epoch = :epoch AND claimed_by = :worker
        """)
        self._fence = text(f"""
            SELECT 1 FROM {table} WHERE id = :id AND claim_epoch = :epoch AND claimed_by = :worker FOR UPDATE
        """)
        self._hint = text(f"""
            UPDATE {table} SET intent_gen = intent_gen + 1
            WHERE id IN (SELECT id FROM {table} WHERE id = ANY(:ids) ORDER BY id FOR UPDATE)
        """).bindparams(bindparam("ids", type_=ARRAY(Uuid)))

    async def claim(self, connection: AsyncConnection, *, worker: str, seconds: float, most: int) -> list[Claim[T]]:
        """At most `most` due rows that nobody holds, for `seconds`; those that have waited longest first."""
        rows = await connection.execute(self._claim, {"worker": worker, "seconds": seconds, "most": most})
        return [Claim(row.id, self._value_of(row), row.claim_epoch, row.db_now) for row in rows]

    async def renew(self, connection: AsyncConnection, id_: UUID, *, epoch: int, worker: str, seconds: float) -> bool:
        """Hold it longer; False when it is another worker's by now."""
        values = {"id": id_, "epoch": epoch, "worker": worker, "seconds": seconds}
        return (await connection.execute(self._renew, values)).rowcount == 1

    async def holds(self, connection: AsyncConnection, id_: UUID, holder: Holder) -> bool:
        """Whether the claim still stands; if so the row is locked for the rest of the transaction."""
        values = {"id": id_, "epoch": holder.epoch, "worker": holder.worker}
        return (await connection.execute(self._fence, values)).one_or_none() is not None

    async def release(
        self, connection: AsyncConnection, id_: UUID, *, gen: int, holder: Holder, wake_at: datetime | None
    ) -> bool:
        """Give it back, decided on at intent `gen`: due again at `wake_at` (None: never), or at once if intent has
        changed since. False when it is another worker's by now."""
        values = {"id": id_, "epoch": holder.epoch, "worker": holder.worker, "gen": gen, "wake_at": wake_at}
        return (await connection.execute(self._release, values)).rowcount == 1

    async def hint(self, connection: AsyncConnection, ids: Sequence[UUID]) -> None:
        """Something of these changed in the cluster: each is due, also when it is being decided on just now."""
        if ids:
            await connection.execute(self._hint, {"ids": list(ids)})
