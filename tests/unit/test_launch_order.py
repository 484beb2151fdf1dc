"""In which order a training's objects are made: what has to be there first has been answered by the API server."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

import pytest

from app.k8s import binding
from app.k8s.apply import Applier
from app.k8s.client import KubeClient
from app.k8s.cluster import Cluster
from app.k8s.manifests import build
from tests.support.launches import launches

_BOUND = {"PersistentVolume": "Available", "PersistentVolumeClaim": "Bound"}


class Slow:
    """Stands in for the client: it notes of each kind when it was first asked for one, and when that was settled.

    A volume or a claim is Pending until the look of that number; None: for ever.
    """

    def __init__(self, settled_at: int | None = 1) -> None:
        self.asked: dict[str, int] = {}
        self.settled: dict[str, int] = {}
        self.looks: Counter[str] = Counter()
        self._settled_at = settled_at
        self._moments = 0

    async def create(self, path: str, body: Mapping[str, Any]) -> bytes:
        kind = body["kind"]
        self.asked.setdefault(kind, self._moment())
        for _ in range(10):  # long enough for all that does not wait for this one
            await asyncio.sleep(0)
        if kind not in _BOUND:
            self.settled[kind] = self._moment()
        return _object("Pending")

    async def get(self, path: str) -> bytes:
        kind = next(kind for kind in _BOUND if path.rpartition("/")[0].endswith(f"/{kind.lower()}s"))
        self.looks[kind] += 1
        if self.looks[kind] != self._settled_at:
            return _object("Pending")
        self.settled[kind] = self._moment()
        return _object(_BOUND[kind])

    def _moment(self) -> int:
        self._moments += 1
        return self._moments


async def test_a_claim_is_made_when_kubernetes_has_seen_its_volume() -> None:
    """Its binder looks once, and again after up to 15 seconds: a training would wait for that long."""
    slow = await made(Slow(settled_at=2))
    assert slow.asked["PersistentVolumeClaim"] > slow.settled["PersistentVolume"]


async def test_no_pod_is_asked_for_before_its_claim_is_bound() -> None:
    slow = await made(Slow(settled_at=3))
    assert slow.looks == {"PersistentVolume": 3, "PersistentVolumeClaim": 3}
    assert slow.asked["Job"] > slow.settled["PersistentVolumeClaim"]


async def test_the_walls_come_first_and_the_jobs_last() -> None:
    slow = await made(Slow())
    assert slow.settled["NetworkPolicy"] < min(at for kind, at in slow.asked.items() if kind != "NetworkPolicy")
    assert slow.asked["Job"] > max(at for kind, at in slow.settled.items() if kind != "Job")


async def test_what_nothing_binds_holds_up_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binding, "LOOKS", (0, 0))
    slow = await made(Slow(settled_at=None))
    assert slow.looks == {"PersistentVolume": 2, "PersistentVolumeClaim": 2}
    assert "Job" in slow.settled


async def made(slow: Slow) -> Slow:
    client = cast("KubeClient", slow)
    launch = build(launches()["stored"])
    await Applier(client, Cluster(client, "tests", lambda _: None).cache).create_children(launch)
    return slow


def _object(phase: str) -> bytes:
    meta = {"name": "a", "namespace": "a", "uid": "u", "labels": {}}
    return json.dumps({"metadata": meta, "status": {"phase": phase}}).encode()
