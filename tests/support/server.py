"""The real web process, watched from outside: what it keeps in memory and in scratch files."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

STARTS_WITHIN = 60


@dataclass
class WebProcess:
    """A running `taas web`; `token` is its first admin's."""

    pid: int
    port: int
    home: Path
    token: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def resident(self) -> int:
        """Bytes of memory."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("the process is gone")

    def scratch(self) -> int:
        """Bytes on disk below its home that are not objects: files without a name are only visible as descriptors."""
        total = sum(path.stat().st_blocks * 512 for path in (self.home / "uploads").glob("*"))
        for descriptor in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                if str(descriptor.readlink()).startswith(str(self.home / "uploads")):
                    total += descriptor.stat().st_blocks * 512
        return total

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[Peak]:
        """The most that it took during the block, sampled all the time."""
        peak = Peak(start=self.resident())
        ended = asyncio.Event()

        async def sample() -> None:
            while not ended.is_set():
                peak.resident = max(peak.resident, self.resident())
                peak.scratch = max(peak.scratch, self.scratch())
                with suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), 0.01)

        task = asyncio.create_task(sample())
        try:
            yield peak
        finally:
            ended.set()
            await task


@dataclass
class Peak:
    start: int = 0
    resident: int = 0
    scratch: int = 0

    @property
    def growth(self) -> int:
        return self.resident - self.start


@asynccontextmanager
async def web_process(database_url: str, home: Path, **settings: str) -> AsyncIterator[WebProcess]:
    """`taas web` over a migrated database, ready to answer."""
    port = _free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TAAS_")}
    environment |= {
        "TAAS_DATABASE_URL": database_url,
        "TAAS_HOME": str(home),
        "TAAS_PORT": str(port),
        "TAAS_LOG_LEVEL": "warning",
        **settings,
    }
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).parent / "taas", "web", env=environment, cwd=home, stdout=asyncio.subprocess.DEVNULL
    )
    web = WebProcess(process.pid, port, home)
    try:
        async with asyncio.timeout(STARTS_WITHIN):
            await _ready(web, process)
        web.token = (home / "admin-token").read_text().strip()
        yield web
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(web: WebProcess, process: asyncio.subprocess.Process) -> None:
    async with httpx.AsyncClient(base_url=web.url) as client:
        while True:
            assert process.returncode is None, "taas web ended while starting"
            with suppress(httpx.TransportError):
                if (await client.get("/healthz")).status_code == 200:
                    return
            await asyncio.wait({asyncio.ensure_future(process.wait())}, timeout=0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
