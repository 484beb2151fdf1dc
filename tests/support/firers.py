"""Processes that do nothing but fire, made to be killed, or to be wrong about the time.

`python -m tests.support.firers URL HOME` sets the worker's alarm and rings for ever; its first line is its time.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from app.context import build_context
from app.db import notify, schedules
from app.db.engine import Database
from app.errors import TaasError
from app.scheduler.clock import Clock
from app.scheduler.timed import Timed as Alarm
from tests.support.web import settings_for_tests

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


def firer(url: str, home: Path, *, most: int, still: bool = False) -> BaseProcess:
    """A process that fires `most` schedules at a time for ever; with `still` it stops in its first transaction."""
    process = _processes.Process(target=_run, args=(url, home, most, still), daemon=True)
    process.start()
    return process


@asynccontextmanager
async def alarm_with_clock(url: str, home: Path, offset: str) -> AsyncIterator[datetime]:
    """A process with the worker's alarm whose clock is `offset` off, such as +1h or -1h; gives the time it has."""
    [library] = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")  # scripts/test installs it
    wrong = {"LD_PRELOAD": str(library), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, url, str(home), env=os.environ | wrong, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield datetime.fromisoformat((await process.stdout.readline()).decode().strip())
        assert process.returncode is None
    finally:
        process.kill()
        await process.wait()


async def _ring(url: str, home: Path) -> None:
    database = Database(url, pool_size=2)
    listener, clock = notify.Listener(database), Clock()
    await listener.start()
    await listener.connected()
    clock.start()
    print(datetime.now(UTC).isoformat(), flush=True)  # noqa: T201
    await Alarm(build_context(settings_for_tests(home), database).firing, listener, clock, sweep_seconds=3600).run()


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


if __name__ == "__main__":
    asyncio.run(_ring(sys.argv[1], Path(sys.argv[2])))
