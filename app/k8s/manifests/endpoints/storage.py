"""Storages as an endpoint meets them: folders of its project, to read and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.names import slug
from app.domain.training import StorageMount
from app.k8s.manifests import bound
from app.k8s.manifests.endpoints.objects import Place
from app.k8s.manifests.launch import Egress, Manifest
from app.k8s.manifests.storages import KINDS


@dataclass(frozen=True, slots=True)
class Folder:
    """`path` within the project's folder on `storage`, as `mount` in the pod."""

    storage: StorageMount
    path: str
    mount: str


@dataclass(frozen=True, slots=True)
class ReadOnly:
    """What folders add to a pod. `where` says for each of them, in order, where it is found: a path or a URL."""

    volumes: tuple[Manifest, ...]
    claims: tuple[Manifest, ...]
    pod_volumes: list[Manifest]
    mounts: list[Manifest]
    egress: tuple[Egress, ...]
    where: tuple[str, ...]


def read_only(place: Place, folders: Sequence[Folder]) -> ReadOnly:
    """Mount each folder by itself, so that nothing beside it can be seen."""
    sides = {
        folder.storage.name: KINDS[folder.storage.kind].pod_side(
            slug(folder.storage.name), folder.storage.config, folder.storage.folder
        )
        for folder in folders
    }
    mounted = sorted(name for name, side in sides.items() if side.volume is not None)
    return ReadOnly(
        volumes=tuple(bound.volume(place.namespace, place.labels, name, sides[name].volume or {}) for name in mounted),
        claims=tuple(bound.claim(place.namespace, place.labels, name) for name in mounted),
        pod_volumes=[bound.pod_volume(name) for name in mounted],
        mounts=[
            {
                "name": bound.claim_name(folder.storage.name),
                "mountPath": folder.mount,
                "subPath": f"{folder.storage.folder}/{folder.path}",
                "readOnly": True,
            }
            for folder in folders
            if folder.storage.name in mounted
        ],
        egress=tuple(rule for side in sides.values() for rule in side.egress),
        where=tuple(
            folder.mount
            if folder.storage.name in mounted
            else f"{sides[folder.storage.name].folder.rstrip('/')}/{folder.path}"
            for folder in folders
        ),
    )
