"""The list-and-watch loop against the real API server, which has forgotten where a watch wants to go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, cast
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from app.k8s.client import KubeClient
from app.k8s.objects import Namespace
from app.k8s.watch import Watch
from app.settings import Settings
from tests.support.cluster import LocalCluster

pytestmark = pytest.mark.cluster


class Forgetful:
    """A client whose first watch goes on from the oldest version of all; `asked` says what was asked for."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self.asked: list[str] = []

    async def get(self, path: str, params: dict[str, Any]) -> bytes:
        self.asked.append("list")
        return cast(bytes, await self._client.get(path, params))

    @asynccontextmanager
    async def stream(self, path: str, params: dict[str, Any], *, idle: float) -> AsyncGenerator[Any]:
        first = "watch" not in self.asked
        self.asked.append("watch")
        async with self._client.stream(path, params | ({"resourceVersion": "1"} if first else {}), idle=idle) as found:
            yield found


@pytest.fixture
async def client(local_cluster: LocalCluster) -> AsyncIterator[KubeClient]:
    """Of an API server that has just started: it knows nothing of what was before."""
    await asyncio.to_thread(local_cluster.stop, "kube-apiserver")
    await asyncio.to_thread(local_cluster.start, "kube-apiserver")
    settings = Settings(kube_context=local_cluster.context, kubeconfig=local_cluster.kubeconfig)
    made = await KubeClient.connect(settings)
    yield made
    await made.close()


async def test_a_version_that_is_too_old_is_listed_anew(client: KubeClient, local_cluster: LocalCluster) -> None:
    names: set[str] = set()
    changed = asyncio.Event()

    def replaced(items: list[Namespace], _: int) -> None:
        names.clear()
        names.update(item.metadata.name for item in items)
        changed.set()

    def one(item: Namespace, deleted: bool) -> None:
        (names.discard if deleted else names.add)(item.metadata.name)
        changed.set()

    async def until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                await changed.wait()
                changed.clear()

    forgetful = Forgetful(client)
    watch = Watch(cast(KubeClient, forgetful), "/api/v1/namespaces", Namespace, replaced=replaced, changed=one)
    name = f"taas-watched-{uuid4().hex[:8]}"
    with capture_logs() as told:
        following = asyncio.create_task(watch.run())
        await until(lambda: forgetful.asked.count("list") == 2)
        await asyncio.to_thread(local_cluster.call, "POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        try:
            await until(lambda: name in names)
        finally:
            await asyncio.to_thread(local_cluster.call, "DELETE", f"/api/v1/namespaces/{name}")
        await until(lambda: name not in names)
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
    assert watch.fresh
    assert forgetful.asked[:3] == ["list", "watch", "list"]
    assert [entry["event"] for entry in told] == ["watch expired"]
