"""Reads the summaries of trainings: one look at a training at a time for each of a few hands."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from app.db.metric_readings import CHANNEL, Reading
from app.db.notify import Listener
from app.errors import TaasError
from app.services.metric_reading import MetricReadingService

HANDS = 2
LOOK_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class MetricReader:
    """`run` works for ever. What is due is found by one query a second, however many trainings there are."""

    def __init__(self, readings: MetricReadingService, listener: Listener) -> None:
        self._readings = readings
        self._listener = listener
        self._due = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled; may be run again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            for _ in range(HANDS):
                group.create_task(self._work())

    async def _listen(self) -> None:
        """Somebody has opened a page that shows metrics."""
        with self._listener.subscribe(CHANNEL) as changes:
            while True:
                await changes.take()
                self._due.set()

    async def _work(self) -> None:
        while True:
            try:
                claimed = await self._readings.claim(1)
                for reading in claimed:
                    await self._read(reading)
            except TaasError as exc:
                _log.warning("cannot look for metrics to read", problem=exc.detail)
                claimed = []
            if not claimed:
                # Not wait_for: in Python 3.11 it can swallow the cancellation that ends this loop.
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._due.wait()
                self._due.clear()

    async def _read(self, reading: Reading) -> None:
        try:
            await self._readings.read(reading)
        except TaasError as exc:
            _log.warning("metrics not read", training=str(reading.training_id), problem=exc.detail)
