"""What runs for long: the web process, a worker, or both in one."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any

import structlog
import typer
import uvicorn
from prometheus_client import start_http_server

from app.cli.welcome import NOTHING, Welcome, welcome
from app.context import Context, open_context
from app.db import migrate, trainings
from app.domain.paging import LARGEST, PageRequest
from app.domain.record import TrainingFilter
from app.domain.training import State
from app.errors import Unavailable
from app.settings import Settings

# How long requests that are under way may take once the process has been told to end.
GRACE_SECONDS = 10
_log = structlog.get_logger(__name__)


async def up(settings: Settings, what: Welcome = NOTHING) -> int:
    """Migrate, then web and worker. When one of them fails, the other ends too and the exit code says so."""
    with _listening(settings) as listening:
        async with open_context(settings) as context:
            await migrate.upgrade(context.database)
            await _greet(context, token_file=True)
            async with _until_told() as stop, _beside(stop, welcome(settings, what)):
                code = await _together(stop, _serve(context, stop, listening), _work(context, stop))
            await _farewell(context)
            return code


async def web(settings: Settings) -> int:
    with _listening(settings) as listening:
        async with open_context(settings) as context:
            await _greet(context, token_file=False)
            async with _until_told() as stop:
                return await _together(stop, _serve(context, stop, listening))


async def worker(settings: Settings) -> int:
    async with open_context(settings) as context, _until_told() as stop:
        with _metrics_shown(settings):
            return await _together(stop, _work(context, stop))


@contextlib.contextmanager
def _metrics_shown(settings: Settings) -> Iterator[None]:
    """A worker alone has no web server: Prometheus asks a small one of its own. Raises `Unavailable`."""
    port = settings.worker_metrics_port
    if port is None:
        yield
        return
    try:
        server, thread = start_http_server(port, settings.worker_metrics_host)
    except OSError as exc:
        where = f"{settings.worker_metrics_host}:{port}"
        raise Unavailable(
            f"Cannot show metrics on {where}: {exc.strerror}. Choose another TAAS_WORKER_METRICS_PORT."
        ) from exc
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def _greet(context: Context, *, token_file: bool) -> None:
    settings = context.settings
    if await migrate.current(context.database) != migrate.newest():
        _log.warning("the database is not migrated yet", remedy="run `taas migrate`")
        return
    chosen = settings.admin_password.get_secret_value() if settings.admin_password else None
    first = await context.first_start.ensure_admin(chosen)
    if first or token_file:
        await context.first_start.ensure_token_file(settings.home)
    address = settings.public_url or f"http://{settings.host}:{settings.port}"
    if first:
        password = f"password  {first.password}   (shown this once)" if first.password else "the chosen password"
        typer.echo(f"\n  Log in at {address}\n    name      {first.name}\n    {password}\n")
    else:
        typer.echo(f"\n  TaaS is at {address}\n")


async def _farewell(context: Context) -> None:
    """Say what goes on without this process."""
    active = TrainingFilter(states=(State.STARTING, State.RUNNING, State.STOPPING))
    async with context.database.read() as connection:
        left = (await trainings.page(connection, active, PageRequest(LARGEST))).items
    if left:
        names = ", ".join(f"{record.training.project} {record.training.number}" for record in left[:5])
        more = f" and {len(left) - 5} more" if len(left) > 5 else ""
        typer.echo(f"\n  Still running in the cluster: {names}{more}. Start TaaS again to see them.\n")


def _listening(settings: Settings) -> socket.socket:
    """Taken before anything else, so that a port in use is said at once. Raises `Unavailable`."""
    where = (settings.host, settings.port)
    try:
        family = socket.getaddrinfo(*where, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server(where, family=family, backlog=2048)
    except OSError as exc:
        detail = f"Cannot listen on {settings.host}:{settings.port}: {exc.strerror}. Choose another TAAS_PORT."
        raise Unavailable(detail) from exc


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: the process has one place that listens to them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(context: Context, stop: asyncio.Event, listening: socket.socket) -> None:
    # Imported late, as the worker is: a worker alone never loads the pages and the API.
    from app.main import create_app

    config = uvicorn.Config(
        create_app(context.settings, context),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]), name="uvicorn")
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    # Streams end by themselves before uvicorn starts to wait for them.
    context.closing.set()
    server.should_exit = True
    await task


async def _work(context: Context, stop: asyncio.Event) -> None:
    # Imported late: the web process alone never loads the cluster client.
    from app.scheduler.worker import run_worker

    await run_worker(context.settings, context, stop)


@contextlib.asynccontextmanager
async def _beside(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do `work` during the block, but not after `stop`; the block neither waits for it nor ends with it."""
    task = asyncio.create_task(work)

    async def end() -> None:
        await stop.wait()
        task.cancel()

    ending = asyncio.create_task(end())
    try:
        yield
    finally:
        ending.cancel()
        task.cancel()
        (result, _) = await asyncio.gather(task, ending, return_exceptions=True)
        if isinstance(result, Exception):
            _log.error("what was done beside failed", exc_info=result)


async def _together(stop: asyncio.Event, *parts: Coroutine[Any, Any, None]) -> int:
    """Run the parts until told to stop or until one of them ends; 1 when any failed."""
    tasks = [asyncio.create_task(part) for part in parts]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in failures:
        _log.error("ended by a failure", exc_info=failure)
    return 1 if failures else 0


@contextlib.asynccontextmanager
async def _until_told() -> AsyncIterator[asyncio.Event]:
    """An event that SIGINT or SIGTERM sets; a second signal ends the process at once."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def told(number: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, told, number)
    try:
        yield stop
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
