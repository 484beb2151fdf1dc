"""An API server that only serves logs, as kubelet does, and misbehaves as kubelet does when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiohttp import web
from kubernetes_asyncio.client import ApiClient, Configuration

from app.k8s.client import KubeClient
from app.settings import Settings

START = datetime(2026, 11, 24, 3, tzinfo=UTC)


@dataclass
class FakePod:
    """A pod's log: lines with their time stamps. `step_ns` passes between two lines."""

    step_ns: int = 1_000_000
    entries: list[tuple[str, bytes]] = field(default_factory=list)
    ended: bool = False
    gone: bool = False
    ready: bool = True
    trouble: str = ""
    reads: int = 0
    following: int = 0
    cuts: int = 0
    _clock: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def write(self, *lines: bytes) -> None:
        """Whole lines, unless the last is without an end."""
        for line in lines:
            self.entries.append((_stamp(self._clock), line))
            self._clock += self.step_ns
        await self.notify()

    async def forget(self, count: int) -> None:
        """A rotation: the first lines are not served any more."""
        del self.entries[:count]
        await self.notify()

    async def cut(self) -> None:
        """Break every connection that follows."""
        self.cuts += 1
        await self.notify()
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: self.following == 0)

    async def end(self) -> None:
        self.ended = True
        await self.notify()

    async def notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until_followed(self, count: int = 1) -> None:
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: self.following >= count)

    @property
    def content(self) -> bytes:
        return b"".join(line for _, line in self.entries)


class FakeKubelet:
    def __init__(self) -> None:
        self.pods: dict[str, FakePod] = {}
        self.most_following = 0
        self.url = ""

    def pod(self, name: str, **settings: int) -> FakePod:
        return self.pods.setdefault(name, FakePod(**settings))

    @asynccontextmanager
    async def client(self) -> AsyncIterator[KubeClient]:
        application = web.Application()
        application.router.add_get("/api/v1/namespaces/{namespace}/pods/{pod}/log", self._log)
        runner = web.AppRunner(application, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        client = KubeClient(Settings(kube_qps=10_000, kube_burst=10_000), ApiClient(Configuration(self.url)))
        try:
            yield client
        finally:
            await client.close()
            await runner.cleanup()

    async def _log(self, request: web.Request) -> web.StreamResponse:
        pod = self.pods.get(request.match_info["pod"])
        assert request.query["timestamps"] == "true"
        if pod is None or pod.gone:
            return web.json_response({"message": "pods not found", "reason": "NotFound"}, status=404)
        if not pod.ready:
            return web.json_response({"message": "waiting to start: ContainerCreating"}, status=400)
        since = request.query.get("sinceTime", "")
        if request.query.get("follow") != "true":
            pod.reads += 1
            return web.Response(body=_rendered(pod.entries, since) + pod.trouble.encode())
        return await self._follow(request, pod, since)

    async def _follow(self, request: web.Request, pod: FakePod, since: str) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        pod.following += 1
        self.most_following = max(self.most_following, sum(one.following for one in self.pods.values()))
        await pod.notify()
        told, cuts = "", pod.cuts
        try:
            while True:
                new = [entry for entry in pod.entries if entry[0] > told]
                if new:
                    told = new[-1][0]
                    await response.write(_rendered(new, since))
                    continue
                if pod.cuts != cuts and request.transport is not None:
                    request.transport.abort()
                if pod.ended or pod.cuts != cuts:
                    return response
                async with pod._changed:
                    await pod._changed.wait()
        finally:
            pod.following -= 1
            await pod.notify()


def _rendered(entries: list[tuple[str, bytes]], since: str) -> bytes:
    return b"".join(f"{stamp} ".encode() + line for stamp, line in entries if stamp[:19] >= since[:19])


def _stamp(ns: int) -> str:
    moment = START + timedelta(seconds=ns // 10**9)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns % 10**9:09}Z"
