"""The trainings whose logs this worker has taken upon itself, and which attempts of them have logs to be had."""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog

from app.db import log_claims
from app.db.engine import Database
from app.db.log_claims import LogSource
from app.db.notify import ANYTHING, Listener
from app.errors import TaasError

CLAIM_AT_A_TIME = 100
LOOK_AT_ALL_SECONDS = 10.0
"""Between two looks at every attempt that is held: a hint may be lost."""

_log = structlog.get_logger(__name__)


class LogHoldings:
    """`held` are the claims: training to epoch. `changed` is set when a look may show something new."""

    def __init__(self, database: Database, listener: Listener, *, worker: str, claim_seconds: float) -> None:
        self.held: dict[UUID, int] = {}
        self.changed = asyncio.Event()
        self._database = database
        self._listener = listener
        self._worker = worker
        self._claim_seconds = claim_seconds
        self._renew_at = 0.0
        self._look_at_all_at = 0.0
        self._stale: set[UUID] = set()

    async def listen(self) -> None:
        """Take hints for ever."""
        with self._listener.subscribe("trainings") as hints:
            while True:
                ids = await hints.take()
                if ANYTHING in ids:
                    self._look_at_all_at = 0.0
                else:
                    self._stale |= {UUID(id_) for id_ in ids}
                self.changed.set()

    def again(self, training_id: UUID) -> None:
        """Look at that training's attempts soon."""
        self._stale.add(training_id)
        self.changed.set()

    async def look(self) -> dict[UUID, list[LogSource]]:
        """Keep the claims and make new ones. Then the attempts of each training that may have changed since last time.

        One without any is given back. Raises TaasError when the database is away; nothing is forgotten by that.
        """
        self.changed.clear()
        await self._hold()
        stale, self._stale = self._stale, set()
        everything = _now() >= self._look_at_all_at
        try:
            found = await self._sources(set(self.held) if everything else stale & self.held.keys())
            await self._release({id_: self.held[id_] for id_, sources in found.items() if not sources})
        except TaasError:
            self._stale |= stale
            raise
        if everything:
            self._look_at_all_at = _now() + LOOK_AT_ALL_SECONDS
        return found

    async def give_back(self) -> None:
        """All claims, so that another worker need not wait until they have run out."""
        try:
            await self._release(dict(self.held))
        except TaasError as exc:
            _log.warning("claims on logs not given back", problem=exc.detail)

    async def _hold(self) -> None:
        now = _now()
        if self.held and now >= self._renew_at:
            self._renew_at = now + self._claim_seconds / 3
            async with self._database.transaction() as connection:
                still = await log_claims.renew(connection, self.held, seconds=self._claim_seconds)
            self.held = {id_: epoch for id_, epoch in self.held.items() if id_ in still}
        async with self._database.transaction() as connection:
            claimed = await log_claims.claim(
                connection, worker=self._worker, seconds=self._claim_seconds, most=CLAIM_AT_A_TIME
            )
        self.held |= claimed
        self._stale |= claimed.keys()

    async def _sources(self, ids: set[UUID]) -> dict[UUID, list[LogSource]]:
        found: dict[UUID, list[LogSource]] = {id_: [] for id_ in ids}
        if ids:
            async with self._database.read() as connection:
                for source in await log_claims.sources(connection, ids):
                    if self.held[source.training_id] == source.epoch:
                        found[source.training_id].append(source)
        return found

    async def _release(self, done: dict[UUID, int]) -> None:
        if not done:
            return
        self.held = {id_: epoch for id_, epoch in self.held.items() if id_ not in done}
        async with self._database.transaction() as connection:
            await log_claims.release(connection, done)


def _now() -> float:
    return asyncio.get_running_loop().time()
