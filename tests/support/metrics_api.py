"""An API server that only serves pod metrics, with the answer that a test wants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from kubernetes_asyncio.client import ApiClient, Configuration

from app.k8s.client import KubeClient
from app.k8s.cluster import Cluster
from app.settings import Settings

INSTALLATION = "for-tests"


class MetricsApi:
    """`items` is what it lists; `status` other than 200: it refuses with that. `selectors`: of the requests so far."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.status = 200
        self.selectors: list[str] = []

    def says(self, namespace: str, pod: str, cpu: str, memory: str, *, at: datetime | None = None) -> None:
        """Add a pod of one container."""
        moment = (at or datetime.now(UTC)).isoformat()
        self.items.append(
            {
                "metadata": {"name": pod, "namespace": namespace},
                "timestamp": moment,
                "window": "10s",
                "containers": [{"name": "task", "usage": {"cpu": cpu, "memory": memory}}],
            }
        )

    @asynccontextmanager
    async def cluster(self) -> AsyncIterator[Cluster]:
        """A cluster with nothing but this."""
        application = web.Application()
        application.router.add_get("/apis/metrics.k8s.io/v1beta1/{what:pods|nodes}", self._answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        client = KubeClient(Settings(), ApiClient(Configuration(f"http://{host}:{port}")))
        try:
            yield Cluster(client, INSTALLATION, lambda _: None)
        finally:
            await client.close()
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.selectors.append(request.query.get("labelSelector", ""))
        if self.status != 200:
            return web.json_response({"message": "no", "reason": "Test"}, status=self.status)
        return web.json_response({"kind": "PodMetricsList", "metadata": {}, "items": self.items})
