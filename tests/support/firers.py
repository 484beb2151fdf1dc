"""Processes that do nothing but fire, made to be killed."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from app.context import build_context
from app.db import schedules
from app.db.engine import Database
from app.errors import TaasError
from tests.support.web import settings_for_tests

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


def firer(url: str, home: Path, *, most: int, still: bool = False) -> BaseProcess:
    """A process that fires `most` schedules at a time for ever; with `still` it stops in its first transaction."""
    process = _processes.Process(target=_run, args=(url, home, most, still), daemon=True)
    process.start()
    return process


def _run(url: str, home: Path, most: int, still: bool) -> None:
    if still:
        _stand_still()
    asyncio.run(_fire(url, home, most))


async def _fire(url: str, home: Path, most: int) -> None:
    database = Database(url, pool_size=2)
    firing = build_context(settings_for_tests(home), database).firing
    while True:
        try:
            fired = await firing.fire(most=most)
        except TaasError:
            continue  # its connection was cut
        if not fired.schedules:
            await asyncio.sleep(0.05)


def _stand_still() -> None:
    """The first time, after everything is written and before it is committed."""
    advance = schedules.advance

    async def still(*args: Any) -> None:
        schedules.advance = advance
        await advance(*args)
        os.kill(os.getpid(), signal.SIGSTOP)

    schedules.advance = still
