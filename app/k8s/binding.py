"""Waiting for a moment until Kubernetes has taken note of a volume, and bound the claim to it.

Its binder looks at a claim when it sees it. Where it has not seen the volume by then, it looks again after up to 15
seconds. A pod whose claim is not bound waits for the scheduler's second look, or for kubelet's, a quarter of a minute
later. Each of these steps takes a fraction of a second, so it pays to take them one after the other.
"""

from __future__ import annotations

import asyncio

import msgspec

from app.k8s import objects
from app.k8s.client import KubeClient
from app.k8s.creating import path_of
from app.k8s.manifests.launch import Manifest

LOOKS = (0.02, 0.05, 0.1, 0.2, 0.4)
"""The seconds before each look. What is not settled then is left to Kubernetes, whose events say why."""


async def until_settled(client: KubeClient, manifest: Manifest, data: bytes | None) -> None:
    """Return when the volume, made as `data`, is available or the claim bound, or does not seem to become so.

    Raises ClusterError.
    """
    meta = manifest["metadata"]
    path = f"{path_of(manifest['kind'], meta.get('namespace', ''))}/{meta['name']}"
    for pause in LOOKS:
        if data is None or msgspec.json.decode(data, type=_Phased).status.phase != "Pending":
            return
        await asyncio.sleep(pause)
        data = await client.get(path)


class _Status(objects.Struct):
    phase: str = ""


class _Phased(objects.Struct):
    status: _Status = msgspec.field(default_factory=_Status)
