"""A process that forks workers which die, by SIGKILL, at a chosen point. Started once, so that a death costs no start.

Each line on its standard input is a JSON object: the settings of a worker, and `at`, the point where it dies (None:
it lives until it is told to end). The answer is a line with its process id. Points are

    before:<Action> · after:<Action>      around an action's calls to the cluster, for a training or an endpoint
    write:<n>:commit · write:<n>:done     before and after the commit of the n-th status write

and `still:` before one of them means that the process stands still there (SIGSTOP) until it is told to go on.
A worker that is sent SIGUSR1 writes to its log what each of its tasks waits for.
"""

from __future__ import annotations

import asyncio
import ctypes
import faulthandler
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from app.context import build_context
from app.db import endpoint_status, reconcile
from app.db.engine import Database
from app.scheduler import logs
from app.scheduler.worker import Worker
from app.settings import Settings

WRITE = "status write"
PR_SET_PDEATHSIG = 1  # prctl(2)
_stood_still: set[str] = set()


def main() -> None:
    logs.AGAIN_SECONDS = (0.1,)  # on fake nodes no log can be read; how long that is tried is not what a death is about
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        wanted = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become_worker(wanted)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _become_worker(wanted: dict[str, Any]) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a host that was killed leaves no workers behind
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    log = os.open(str(Path(wanted["home"]) / f"{wanted['worker_name']}.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    code = 1
    try:
        asyncio.run(_work(wanted))
        code = 0
    finally:
        os._exit(code)


async def _work(wanted: dict[str, Any]) -> None:
    point = wanted.pop("at")
    url = wanted.pop("url")
    settings = Settings(_env_file=None, kube_qps=500, kube_burst=500, **wanted)  # type: ignore[call-arg]
    database = _DyingDatabase(url, point)
    context = build_context(settings, database)
    await context.listener.start()
    worker = await Worker.create(settings, context)
    give, give_endpoints = worker.actor, worker.endpoint_actor
    worker.reconciler.actor = lambda: _dying(give(), point)
    worker.endpoints.actor = lambda: _dying(give_endpoints(), point)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _say_where)
    faulthandler.register(signal.SIGUSR1, chain=True)  # heard even by a loop that stands still
    await worker.run(stop)
    await context.listener.close()
    await database.close()


def _say_where() -> None:
    for task in asyncio.all_tasks():
        task.print_stack(file=sys.stderr)


def _at(here: str, point: str | None) -> None:
    """Die, or stand still the first time, if this is the point."""
    if point == here:
        os.kill(os.getpid(), signal.SIGKILL)
    if point == f"still:{here}" and point not in _stood_still:
        _stood_still.add(point)
        os.kill(os.getpid(), signal.SIGSTOP)


def _dying(actor: Any, point: str | None) -> Any:
    """The actor, for trainings or for endpoints, with deaths around what it does."""
    if actor is None:
        return None
    perform: Callable[..., Any] = actor.perform

    async def dying(row: Any, action: Any) -> Any:
        name = type(action).__name__
        _at(f"before:{name}", point)
        done = await perform(row, action)
        _at(f"after:{name}", point)
        return done

    actor.perform = dying
    return actor


class _DyingDatabase(Database):
    """Dies around the n-th transaction that writes a status."""

    def __init__(self, url: str, point: str | None) -> None:
        super().__init__(url, pool_size=3)
        self._point = point
        self._writes = 0
        for module in (reconcile, endpoint_status):
            module.write = self._counted(module.write)  # type: ignore[attr-defined]

    def _counted(self, write: Callable[..., Any]) -> Callable[..., Any]:
        async def counted(connection: Any, *args: Any, **kwargs: Any) -> Any:
            self._writes += 1
            connection.info[WRITE] = self._writes
            return await write(connection, *args, **kwargs)

        return counted

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:  # type: ignore[override]
        async with super().transaction() as connection:
            connection.info.pop(WRITE, None)
            yield connection
            write = connection.info.pop(WRITE, None)
            _at(f"write:{write}:commit", self._point)
        _at(f"write:{write}:done", self._point)


if __name__ == "__main__":
    main()
