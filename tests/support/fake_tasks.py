"""Playing the programs of tasks on fake nodes: nothing runs there, so a test says how each pod goes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec

from app.k8s.client import STRATEGIC_PATCH, KubeClient
from app.settings import Settings
from tests.support.cluster import LocalCluster

AGENT = "taas-test"


class Kube(KubeClient):
    """The cluster's administrator."""

    agent = AGENT

    async def read(self, path: str, **params: str) -> Any:
        """An object or list; None when it is not there."""
        data = await self.get(path, params)
        return None if data is None else msgspec.json.decode(data)

    async def pods(self, namespace: str) -> list[Any]:
        items: list[Any] = (await self.read(f"/api/v1/namespaces/{namespace}/pods"))["items"]
        return items

    async def end_pod(self, namespace: str, name: str, *, code: int = 0, reason: str = "") -> None:
        """As if its program had ended with that exit code."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        terminated = {
            "exitCode": code,
            "reason": reason or ("Error" if code else "Completed"),
            "startedAt": now,
            "finishedAt": now,
        }
        await self.set_pod(namespace, name, "Failed" if code else "Succeeded", {"terminated": terminated})

    async def set_pod(self, namespace: str, name: str, phase: str, state: dict[str, Any], **status: Any) -> None:
        """As if kubelet had reported that."""
        container = {
            "name": "task",
            "state": state,
            "ready": "running" in state,
            "restartCount": 0,
            "image": "x",
            "imageID": "",
        }
        change = {"status": {"phase": phase, "containerStatuses": [container], **status}}
        await self.patch(f"/api/v1/namespaces/{namespace}/pods/{name}/status", change, kind=STRATEGIC_PATCH)


@asynccontextmanager
async def kube(cluster: LocalCluster) -> AsyncIterator[Kube]:
    where = {"kubeconfig": cluster.kubeconfig, "kube_context": cluster.context}
    client = await Kube.connect(Settings(**where, kube_qps=500, kube_burst=500))
    try:
        yield client
    finally:
        await client.close()
