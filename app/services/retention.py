"""Removes what is older than the settings say, in small steps; any crash in between leaves what the next pass ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import asyncpg
import structlog

from app.db import audit, due_times, endpoint_retention, retention
from app.db.engine import Database, DatabaseUnavailable
from app.domain.access import Action, Principal
from app.domain.clock import Clock
from app.domain.retention import GoingBundles, GoingEndpoints, GoingEntries, GoingTrainings, RetentionPreview
from app.services.access import require
from app.services.bundles import BundleStore
from app.settings import Settings
from app.storage import ObjectStore

BATCH = 50
DUE_TIMES_BATCH = 5_000
ENDPOINTS_BATCH = 500
AUDIT_BATCH = 5_000
ORPHANED_FOR = timedelta(days=1)
"""An upload writes its object before its row: a bundle without a row that is younger may be under way."""
_LOCK = 0x7461_6173_6B65_6570  # PostgreSQL's advisory lock of whoever removes
_FIRST = UUID(int=0)
_log = structlog.get_logger(__name__)


class RetentionService:
    """Only one process at a time removes; that two would is harmless, but twice the work."""

    def __init__(
        self, database: Database, storage: ObjectStore, bundles: BundleStore, *, settings: Settings, clock: Clock
    ) -> None:
        self._database = database
        self._storage = storage
        self._bundles = bundles
        self._keep_records = settings.keep_records
        self._keep_logs = settings.keep_logs
        self._keep_audit = settings.keep_audit
        self._clock = clock

    async def preview(self, principal: Principal) -> RetentionPreview:
        """What would go now. Raises `NotAllowed` unless an admin asks."""
        require(principal, Action.ADMINISTER)
        return await self.look()

    async def look(self) -> RetentionPreview:
        """The same, for who operates the installation itself."""
        records, logs, endpoints, entries = GoingTrainings(), GoingTrainings(), GoingEndpoints(), GoingEntries()
        async with self._database.read() as connection:
            if self._keep_records is not None:
                records = await retention.records_going(connection, self._keep_records)
                endpoints = await endpoint_retention.going(connection, self._keep_records)
            if self._keep_logs is not None:
                logs = await retention.logs_going(connection, self._keep_logs, keep_records=self._keep_records)
            if self._keep_audit is not None:
                entries = await audit.going(connection, self._keep_audit)
        orphans = await self._bundles.orphans(self._clock() - ORPHANED_FOR)
        written = [info.modified for info in orphans if info.modified is not None]
        bundles = GoingBundles(len(orphans), sum(info.size for info in orphans), min(written, default=None))
        keep = (self._keep_records, self._keep_logs, self._keep_audit)
        return RetentionPreview(*keep, records, logs, endpoints, bundles, entries)

    async def remove(self) -> None:
        """Remove all that is due. Raises StorageUnavailable and DatabaseUnavailable: the rest goes the next time."""
        async with self._alone() as alone:
            if not alone:
                return
            records = await self._remove_records()
            await self._forget_due_times()
            endpoints = await self._forget_endpoints()
            entries = await self._forget_audit()
            logs = await self._remove_logs()
            bundles = await self._bundles.collect_orphans(self._clock() - ORPHANED_FOR)
        removed = {
            "records": records,
            "logs": logs,
            "endpoints": endpoints,
            "bundles": bundles,
            "audit_entries": entries,
        }
        if any(removed.values()):
            _log.info("removed by retention", **removed)

    async def _remove_records(self) -> int:
        removed = 0
        while self._keep_records is not None:
            async with self._database.transaction() as connection:
                found = await retention.mark_records(connection, self._keep_records, most=BATCH)
            before = removed
            for training_id in found:
                await self._end_logs(training_id)
                async with self._database.transaction() as connection:
                    removed += await retention.delete_record(connection, training_id, self._keep_records)
            if removed == before:  # nothing is left, or what is left is held by somebody now
                break
        return removed

    async def _forget_due_times(self) -> None:
        """What became of due times is kept as long as records are."""
        forgotten = 1
        while self._keep_records is not None and forgotten:
            async with self._database.transaction() as connection:
                forgotten = await due_times.forget(connection, self._keep_records, most=DUE_TIMES_BATCH)

    async def _forget_endpoints(self) -> int:
        """A stopped TensorBoard or serving is kept as long as a training's record is."""
        removed = 0
        while self._keep_records is not None:
            async with self._database.transaction() as connection:
                gone = await endpoint_retention.forget(connection, self._keep_records, most=ENDPOINTS_BATCH)
            removed += gone
            if gone < ENDPOINTS_BATCH:
                break
        return removed

    async def _forget_audit(self) -> int:
        """An entry says how many were removed: a log that is cut silently proves nothing."""
        removed = 0
        while self._keep_audit is not None:
            async with self._database.transaction() as connection:
                gone = await audit.forget(connection, self._keep_audit, most=AUDIT_BATCH)
                removed += gone
                if gone:
                    await audit.record(connection, "retention", "audit.remove", "audit", entries=gone)
            if gone < AUDIT_BATCH:
                break
        return removed

    async def _remove_logs(self) -> int:
        """Also what an earlier pass has begun and not ended, whatever the settings are now."""
        removed = 0
        while self._keep_logs is not None:
            async with self._database.transaction() as connection:
                found = await retention.mark_logs(connection, self._keep_logs, most=BATCH)
            removed += len(found)
            for training_id in found:
                await self._end_logs(training_id)
            if not found:
                break
        after = _FIRST
        while True:
            async with self._database.read() as connection:
                left = await retention.removing(connection, after=after, most=BATCH)
            for training_id in left:
                await self._end_logs(training_id)
            if not left:
                return removed
            after = left[-1]

    async def _end_logs(self, training_id: UUID) -> None:
        """Objects first, whichever lie in the training's folder, and then the rows that name them."""
        await self._storage.delete_folder(f"logs/{training_id}")
        async with self._database.transaction() as connection:
            await retention.forget_segments(connection, training_id)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[bool]:
        """Whether no other process removes. A lock of a connection, which ends with it however this ends."""
        try:
            connection = await self._database.connect()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
            raise DatabaseUnavailable(f"PostgreSQL cannot be reached: {exc}.") from exc
        try:
            yield bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK))
        finally:
            await connection.close(timeout=5)
