"""Reads the summaries of trainings into rows: on from where the last reading ended, in bounded pieces.

A claim keeps two workers from reading the same; what was found and how far the files are is written in one
transaction, so that no value is taken twice or left out whenever a worker dies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from app.db import metric_readings, metric_series, trainings
from app.db.engine import Database
from app.db.metric_readings import Reading
from app.domain.clock import Clock
from app.domain.metric import Series, extended
from app.domain.training import Training
from app.services.event_reading import News, look
from app.services.log_folder import FolderMissing, LogFolder
from app.services.metrics import NO_STORAGE
from app.services.project_folders import mounted_root

CLAIM_SECONDS = 60.0
SOON_SECONDS = 3.0
LATER_SECONDS = 30.0
AGAIN_SECONDS = 1.0
SETTLED_SECONDS = 20.0
"""How long after a training's end its files are looked at for the last time: what a node still held back is there."""
_UNREACHABLE_AGAIN = 300.0
_GIVE_UP_SECONDS = 24 * 3600.0
_log = structlog.get_logger(__name__)


class MetricReadingService:
    """What the worker does for metrics."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def claim(self, most: int) -> list[Reading]:
        """Trainings whose summaries are due to be read, the caller's for a minute."""
        async with self._database.transaction() as connection:
            return await metric_readings.claim(connection, most=most, seconds=CLAIM_SECONDS)

    async def read(self, reading: Reading) -> None:
        """One look at one training's files. Raises DatabaseUnavailable."""
        async with self._database.read() as connection:
            record = await trainings.by_id(connection, reading.training_id)
            known = await metric_series.keys(connection, reading.training_id)
        if record is None:
            return
        training = record.training
        ended_for = (self._clock() - training.finished_at).total_seconds() if training.finished_at else None
        over = training.state.ended and ended_for is not None
        folder = _folder(training)
        if isinstance(folder, str):
            # Its storage is as it was frozen: asking again would change nothing.
            await self._give_back(replace(reading, problem=folder), complete=True)
            return
        try:
            news = await asyncio.to_thread(look, folder, reading.files, known)
        except FolderMissing:
            news = News(dict(reading.files))
        except OSError as exc:
            problem = f"The log directory cannot be read: {exc.strerror or exc}."
            gave_up = ended_for is not None and ended_for > _GIVE_UP_SECONDS
            _log.warning("metrics not read", training=str(training.id), problem=problem)
            await self._give_back(replace(reading, problem=problem), complete=gave_up, later=_UNREACHABLE_AGAIN)
            return
        await self._store(reading, news, over=over and (ended_for or 0) >= SETTLED_SECONDS, ended=over)

    async def _store(self, reading: Reading, news: News, *, over: bool, ended: bool) -> None:
        unsettled = any(p.damaged_at is not None and not p.closed for p in news.files.values())
        complete = over and not news.more and not unsettled
        again = AGAIN_SECONDS if news.more or (over and unsettled) else SOON_SECONDS
        later = again if news.more or ended else LATER_SECONDS
        after = replace(reading, files=news.files, left_out=max(news.left_out, reading.left_out), problem="")
        changed = bool(news.points) or complete or bool(reading.problem) or reading.read_at is None
        async with self._database.read() as connection:
            before = await metric_series.load(connection, reading.training_id, news.points.keys())
        # Not on the event loop: thousands of points take a while.
        grown = await asyncio.to_thread(_grown, before, news)
        async with self._database.transaction() as connection:
            if not await metric_readings.held(connection, reading):
                return
            numbers = await metric_series.keys(connection, reading.training_id)
            await metric_series.save(connection, reading.training_id, grown, numbers)
            await metric_readings.write(connection, after, complete=complete, soon=again, later=later, changed=changed)

    async def _give_back(self, reading: Reading, *, complete: bool, later: float = LATER_SECONDS) -> None:
        async with self._database.transaction() as connection:
            await metric_readings.write(connection, reading, complete=complete, soon=later, later=later, changed=True)


def _grown(before: dict[tuple[str, str], Series], news: News) -> Sequence[Series]:
    return [extended(before.get(key, Series(*key)), points) for key, points in news.points.items()]


def _folder(training: Training) -> LogFolder | str:
    """Where its log directory is, or in a sentence why TaaS cannot read it."""
    mount = training.spec.storage
    if mount is None:
        return NO_STORAGE
    root = mounted_root(mount)
    if root is None:
        return (
            f"TaaS cannot read the storage {mount.name}: an admin can tell it where the storage is mounted for TaaS "
            "itself (taas_path)."
        )
    return LogFolder(root, (*Path(mount.folder).parts, "logs", str(training.number)))
