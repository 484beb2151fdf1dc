"""The real processes, as an operator starts them; everything a test does goes through their HTTP API."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.cluster import LocalCluster

STARTS_WITHIN = 300  # seconds; an embedded PostgreSQL and all caches of the cluster among them
ENDS_WITHIN = 60
LOG = "taas.log"
PYTHON_IMAGE, TENSORFLOW_IMAGE = "localhost/taas/python:3.11", "localhost/taas/tensorflow:2.21"


@dataclass(frozen=True)
class TaasProcess:
    """A running `taas …` that answers."""

    pid: int
    port: int
    home: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        """The first admin's."""
        return (self.home / "admin-token").read_text().strip()

    @property
    def output(self) -> str:
        """What it has printed so far, its own log among it."""
        return (self.home / LOG).read_text(errors="replace")

    def client(self, token: str | None = None) -> httpx.AsyncClient:
        """A client that acts for the admin, or for whoever's token is given."""
        return httpx.AsyncClient(
            base_url=f"{self.url}/api/v1/",
            headers={"Authorization": f"Bearer {token or self.token}"},
            timeout=httpx.Timeout(30, read=120),
        )


@contextmanager
def home_for_taas() -> Iterator[Path]:
    """A directory that PostgreSQL's own user can reach: pytest takes that right away from those under `tmp_path`."""
    folder = Path(tempfile.mkdtemp(prefix="taas-home-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@asynccontextmanager
async def taas_up(home: Path, cluster: LocalCluster, *args: str, **settings: str) -> AsyncIterator[TaasProcess]:
    """`taas up` with a PostgreSQL and files of its own under `home`, once its worker sees the cluster.

    It acts with the rights of `deploy/rbac.yaml` and must not have asked for more in the end.
    """
    where = {"TAAS_KUBECONFIG": str(cluster.taas_kubeconfig), "TAAS_KUBE_CONTEXT": cluster.context}
    mark = cluster.audit_mark()
    async with taas_process("up", *args, home=home, ready="/readyz?all=true", settings=where | settings) as process:
        yield process
    missing = cluster.missing_rights_since(mark)
    assert not missing, f"it asked for what deploy/rbac.yaml does not allow: {missing}"


@asynccontextmanager
async def taas_process(
    *command: str, home: Path, ready: str = "/healthz", settings: dict[str, str]
) -> AsyncIterator[TaasProcess]:
    """`taas COMMAND` with these TAAS_… variables and no others; ended by SIGTERM, which has to be enough."""
    home.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TAAS_")}
    own = {"TAAS_HOME": str(home), "TAAS_PORT": str(port), "TAAS_LOG_FORMAT": "json"}
    with (home / LOG).open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).parent / "taas",
            *command,
            env=environment | own | settings,
            cwd=home,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    running = TaasProcess(process.pid, port, home)
    try:
        await _answers(running, ready, lambda: process.returncode is not None)
        yield running
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), ENDS_WITHIN)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise AssertionError(f"taas {command[0]} did not end on SIGTERM:\n{_last(running)}") from None


async def _answers(running: TaasProcess, path: str, ended: Callable[[], bool]) -> None:
    answer = "nothing yet"
    deadline = asyncio.get_running_loop().time() + STARTS_WITHIN
    async with httpx.AsyncClient(base_url=running.url) as client:
        while True:
            assert not ended(), f"it ended while starting:\n{_last(running)}"
            try:
                response = await client.get(path)
                if response.status_code == 200:
                    return
                answer = response.text
            except httpx.TransportError as exc:
                answer = repr(exc)
            late = asyncio.get_running_loop().time() > deadline
            assert not late, f"{path} did not say yes in {STARTS_WITHIN} s but {answer}\n{_last(running)}"
            await asyncio.sleep(0.1)


def _last(running: TaasProcess) -> str:
    return "\n".join(running.output.splitlines()[-30:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
