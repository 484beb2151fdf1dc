"""The kinds of storage. A new kind is a file beside this one and a line in `KINDS`."""

from __future__ import annotations

from app.k8s.manifests.storages.kind import MOUNTS, PodSide, Setting, StorageKind
from app.k8s.manifests.storages.local import Local
from app.k8s.manifests.storages.nfs import Nfs

KINDS: dict[str, StorageKind] = {kind.name: kind for kind in (Local(), Nfs())}

__all__ = ["KINDS", "MOUNTS", "PodSide", "Setting", "StorageKind"]
