"""Workers in processes of their own, which can be made to die or to stand still at any point."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from app.context import Context
from tests.support.cluster import LocalCluster
from tests.support.fake_tasks import Kube


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@dataclass
class CrashHost:
    """Starts workers over the database and the cluster of a context."""

    process: asyncio.subprocess.Process
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    started: dict[int, Path] = field(default_factory=dict)
    """The log of each worker."""

    async def worker(self, context: Context, name: str, *, at: str | None = None) -> int:
        """The process id of a new worker that dies at that point."""
        settings = context.settings
        wanted = {
            "at": at,
            "url": context.database.url,
            "home": str(settings.home),
            "kubeconfig": str(settings.kubeconfig),
            "kube_context": settings.kube_context,
            "installation": settings.installation,
            "worker_name": name,
            "claim_seconds": settings.claim_seconds,
            "sweep_seconds": settings.sweep_seconds,
            "node_lost_after": settings.node_lost_after.total_seconds(),
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        async with self.turn:
            self.process.stdin.write(json.dumps(wanted).encode() + b"\n")
            await self.process.stdin.drain()
            pid = int(await self.process.stdout.readline())
        self.started[pid] = settings.home / f"{name}.log"
        return pid

    async def end(self, pid: int, *, seconds: float = 30) -> None:
        """Ask a worker to end and wait until it has; one that does not says where it is."""
        if is_alive(pid):
            os.kill(pid, signal.SIGTERM)
        try:
            await died(pid, seconds=seconds)
        except AssertionError as exc:
            log = self.started[pid]
            said = log.stat().st_size
            os.kill(pid, signal.SIGUSR1)
            with suppress(TimeoutError):
                async with asyncio.timeout(5):
                    while "Stack for" not in log.read_text()[said:]:
                        await asyncio.sleep(0.02)
            raise AssertionError(f"{exc}; its log ends with\n{log.read_text()[-20_000:]}") from exc


async def died(pid: int, *, seconds: float = 60) -> None:
    """Wait until that process is no more."""
    deadline = monotonic() + seconds
    while is_alive(pid):
        assert monotonic() < deadline, f"process {pid} is still there"
        await asyncio.sleep(0.02)


def granted(cluster: LocalCluster, mark: int, namespace: str, *made_by: tuple[str, int]) -> Counter[str]:
    """How often workers did that to each object of a namespace, to the namespace itself and to its volumes, and were
    granted it. `made_by`: the verbs and least status codes of interest."""
    done: Counter[str] = Counter()
    for event in cluster.audit_since(mark, agent="taas"):
        about, code = event.get("objectRef", {}), event["responseStatus"]["code"]
        mine = namespace in (about.get("namespace"), about.get("name")) or about.get("name", "").startswith(
            f"{namespace}-"
        )
        wanted = any(event["verb"] == verb and least <= code < 300 for verb, least in made_by)
        if event["userAgent"] == "taas" and mine and wanted:
            done[f"{about['resource']}/{about.get('name', '*')}"] += 1
    return done


async def left_of(kube: Kube, installation: str | None) -> list[str]:
    """What is still in the cluster of an installation."""
    selector = f"taas.dev/installation={installation}"
    spaces = await kube.read("/api/v1/namespaces", labelSelector=selector)
    volumes = await kube.read("/api/v1/persistentvolumes", labelSelector=selector)
    return [item["metadata"]["name"] for item in (*spaces["items"], *volumes["items"])]


@asynccontextmanager
async def crash_host() -> AsyncIterator[CrashHost]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.crash_host", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    host = CrashHost(process)
    try:
        yield host
    finally:
        for pid in host.started:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
