"""What kubelets and a GPU exporter would show Prometheus of a training's pods."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from aiohttp import web

_TYPES = {"container_memory_working_set_bytes": "gauge", "DCGM_FI_DEV_GPU_UTIL": "gauge"}


@dataclass
class Exporter:
    """`gauges` stay as they are; `rates` are counters that grow by so much a second. Both by metric and labels."""

    gauges: list[tuple[str, dict[str, str], float]] = field(default_factory=list)
    rates: list[tuple[str, dict[str, str], float]] = field(default_factory=list)
    port: int = 0
    _begin: float = field(default_factory=monotonic)

    def pod(self, namespace: str, pod: str, *, cpu: float, memory: float, network: float, gpu: float | None) -> None:
        """A pod as cAdvisor tells of it: its container, the one that holds its network, and the sums over both."""
        of_pod = {"namespace": namespace, "pod": pod}
        for container, share in (("task", 1.0), ("POD", 0.5), ("", 1.5)):
            labels = {**of_pod, "container": container}
            self.rates.append(("container_cpu_usage_seconds_total", labels, cpu * share))
            self.gauges.append(("container_memory_working_set_bytes", labels, memory * share))
        for way, share in (("receive", 1), ("transmit", 2)):
            for interface, more in (("eth0", 1), ("lo", 100)):
                labels = {**of_pod, "interface": interface}
                self.rates.append((f"container_network_{way}_bytes_total", labels, network * share * more))
        if gpu is not None:
            self.gauges.append(("DCGM_FI_DEV_GPU_UTIL", {**of_pod, "gpu": "0"}, gpu))

    def job(self, *, honor: bool = True) -> dict[str, Any]:
        """How Prometheus is told to scrape it."""
        return {
            "job_name": "pods",
            "honor_labels": honor,
            "static_configs": [
                {"targets": [f"127.0.0.1:{self.port}"], "labels": {"namespace": "gpu", "pod": "exporter"}}
            ],
        }

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Exporter]:
        application = web.Application()
        application.router.add_get("/metrics", self._show)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _show(self, _request: web.Request) -> web.Response:
        passed = monotonic() - self._begin
        samples = self.gauges + [(name, labels, rate * passed) for name, labels, rate in self.rates]
        lines: list[str] = []
        for name in sorted({sample[0] for sample in samples}):
            lines.append(f"# TYPE {name} {_TYPES.get(name, 'counter')}")
            for _, labels, value in (sample for sample in samples if sample[0] == name):
                inside = ",".join(f'{label}="{text}"' for label, text in labels.items())
                lines.append(f"{name}{{{inside}}} {value}")
        return web.Response(text="\n".join(lines) + "\n", content_type="text/plain")
