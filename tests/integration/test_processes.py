"""The commands as a person types them: real processes, signals, the embedded PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

TAAS = Path(sys.executable).parent / "taas"
WITHIN = 60


@dataclass
class Running:
    """A `taas web` with an embedded database."""

    process: asyncio.subprocess.Process
    url: str
    home: Path

    async def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal; the exit code and everything written to stdout."""
        self.process.send_signal(number)
        async with asyncio.timeout(WITHIN):
            out, _ = await self.process.communicate()
        return self.process.returncode or 0, out.decode()


def environment(home: Path, **settings: str) -> dict[str, str]:
    """That of whoever runs the tests, without any setting of TaaS."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TAAS_")}
    return clean | {"TAAS_HOME": str(home), "TAAS_LOG_LEVEL": "warning"} | settings


async def taas(*arguments: str, home: Path, **settings: str) -> tuple[int, str, str]:
    """Run a command to its end: exit code, stdout, stderr."""
    process = await asyncio.create_subprocess_exec(
        TAAS, *arguments, env=environment(home, **settings), cwd=home, stdout=-1, stderr=-1
    )
    async with asyncio.timeout(WITHIN):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@asynccontextmanager
async def web(home: Path, **settings: str) -> AsyncIterator[Running]:
    """`taas web`, ready to answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        TAAS, "web", env=environment(home, TAAS_PORT=str(port), **settings), cwd=home, stdout=-1
    )
    running = Running(process, f"http://127.0.0.1:{port}", home)
    try:
        async with asyncio.timeout(WITHIN), httpx.AsyncClient() as client:
            while process.returncode is None:
                with suppress(httpx.TransportError):
                    if (await client.get(running.url + "/readyz")).status_code == 200:
                        break
                await asyncio.wait({asyncio.ensure_future(process.wait())}, timeout=0.1)
        yield running
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


@pytest.fixture
async def home(tmp_path: Path) -> Path:
    code, out, err = await taas("migrate", home=tmp_path)
    assert code == 0, err
    assert "The database is at" in out
    return tmp_path


async def test_the_first_start_says_how_to_log_in_and_the_second_finds_all_again(home: Path) -> None:
    async with web(home) as first:
        token = (home / "admin-token").read_text().strip()
        async with httpx.AsyncClient(base_url=first.url, headers={"Authorization": f"Bearer {token}"}) as client:
            assert (await client.post("/api/v1/tokens", json={"name": "kept"})).status_code == 201
        code, out = await first.end(signal.SIGINT)
    assert code == 0
    assert not (home / "pg" / "postmaster.pid").exists()
    password = re.search(r"password +(\S+)", out)
    assert password
    async with web(home) as second:
        login = {"name": "admin", "password": password.group(1)}
        async with httpx.AsyncClient(base_url=second.url) as client:
            assert (await client.post("/api/v1/session", json=login)).status_code == 200
            client.headers["Authorization"] = f"Bearer {token}"
            names = [item["name"] for item in (await client.get("/api/v1/tokens")).json()["items"]]
            assert "kept" in names
        code, out = await second.end(signal.SIGTERM)
    assert code == 0
    assert "password" not in out


async def test_it_comes_back_after_it_was_killed(home: Path) -> None:
    async with web(home) as first:
        first.process.kill()
        await first.process.wait()
    async with web(home) as second:
        async with httpx.AsyncClient() as client:
            assert (await client.get(second.url + "/readyz")).status_code == 200
        code, _ = await second.end(signal.SIGINT)
    assert code == 0
    # The one that was killed never gave its handle back; the database stops all the same.
    assert not (home / "pg" / "postmaster.pid").exists()


async def test_a_client_that_never_finishes_its_request_does_not_hold_it(home: Path) -> None:
    async with web(home) as running:
        port = int(running.url.rpartition(":")[2])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()
        async with asyncio.timeout(30):
            code, _ = await running.end(signal.SIGTERM)
        assert code == 0
        writer.close()


async def test_people_are_made_and_given_new_passwords(home: Path) -> None:
    code, out, err = await taas("user", "create", "Grace", "--role", "admin", home=home)
    assert code == 0, err
    first = out.split()[-1]
    again = await taas("user", "create", "grace", home=home)
    assert again[0] == 1
    assert "somebody named grace already" in again[2]
    code, out, err = await taas("user", "reset-password", "grace", home=home, TAAS_NEW_PASSWORD="a chosen password")
    assert (code, out) == (0, "grace has a new password.\n"), err
    async with web(home) as running, httpx.AsyncClient(base_url=running.url) as client:
        assert (await client.post("/api/v1/session", json={"name": "grace", "password": first})).status_code == 401
        login = {"name": "grace", "password": "a chosen password"}
        assert (await client.post("/api/v1/session", json=login)).json() == {"name": "grace", "role": "admin"}
        # Somebody was there already, so no admin was made at the start.
        assert not (home / "admin-token").exists()


async def test_keys_are_rotated_and_old_ones_dropped(home: Path) -> None:
    code, out, err = await taas("secrets", "rotate", home=home)
    assert code == 0, err
    assert "New key" in out
    assert len((home / "secret-keys").read_text().split()) == 2
    code, out, err = await taas("secrets", "rotate", "--drop-old", home=home)
    assert code == 0, err
    assert "1 old keys dropped" in out
    assert len((home / "secret-keys").read_text().split()) == 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"TAAS_PORT": "none"}, "TAAS_PORT"),
        ({"TAAS_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "TAAS_DATABASE_URL"),
        ({"TAAS_ENCRYPTION_KEYS": "a:short"}, "encryption key 'a'"),
    ],
)
async def test_what_is_set_wrong_is_said_without_a_traceback(
    tmp_path: Path, settings: dict[str, str], said: str
) -> None:
    code, _, err = await taas("web", home=tmp_path, **{"TAAS_PORT": "0", **settings})
    assert code == 1
    assert said in err
    assert "Traceback" not in err


async def test_a_taken_port_is_said(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, err = await taas("web", home=home, TAAS_PORT=str(taken.getsockname()[1]))
    assert code == 1
    assert "Cannot listen on 127.0.0.1" in err
    assert "TAAS_PORT" in err
