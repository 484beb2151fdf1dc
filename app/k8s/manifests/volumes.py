"""A training's storages as PersistentVolumes and Claims of its own, and as its pods mount them."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.names import slug
from app.domain.training import StorageMount
from app.k8s.manifests import bound
from app.k8s.manifests.labels import of_training
from app.k8s.manifests.launch import Egress, Launch, Manifest
from app.k8s.manifests.storages import KINDS, PodSide

MODEL_MOUNT = "/taas/upstream/model"
"""Where another training's model directory is, read-only, when it lies on a volume."""


@dataclass(frozen=True, slots=True)
class Mounted:
    """What the storages add to a training. `folder` is the project's on the first of them, as a task sees it."""

    folder: str | None
    volumes: tuple[Manifest, ...]
    claims: tuple[Manifest, ...]
    pod_volumes: list[Manifest]
    pod_mounts: list[Manifest]
    egress: tuple[Egress, ...]


def mounted(launch: Launch) -> Mounted:
    """The volumes, claims, mounts and doors of all storages of `launch`."""
    own = [(storage, _side(storage)) for storage in launch.storages]
    model = launch.spec.model
    # A volume is made once, whether one directory of it is used or two.
    other = [(model, _side(model))] if model and model.name not in {storage.name for storage, _ in own} else []
    as_volumes = [(storage, side) for storage, side in (*own, *other) if side.volume is not None]
    labels = of_training(launch)
    return Mounted(
        folder=own[0][1].folder if own else None,
        volumes=tuple(
            bound.volume(launch.namespace, labels, storage.name, side.volume or {}) for storage, side in as_volumes
        ),
        claims=tuple(bound.claim(launch.namespace, labels, storage.name) for storage, _ in as_volumes),
        pod_volumes=[bound.pod_volume(storage.name) for storage, _ in as_volumes],
        pod_mounts=[
            {"name": bound.claim_name(storage.name), "mountPath": side.folder, "subPath": storage.folder}
            for storage, side in own
            if side.volume is not None
        ]
        + ([_model_mount(model)] if model and _side(model).volume is not None else []),
        egress=tuple(rule for _, side in (*own, *other) for rule in side.egress),
    )


def model_folder(model: StorageMount) -> str:
    """Where a task finds another training's model directory: a path or a URL."""
    side = _side(model)
    return MODEL_MOUNT if side.volume is not None else side.folder


def _model_mount(model: StorageMount) -> Manifest:
    return {"name": bound.claim_name(model.name), "mountPath": MODEL_MOUNT, "subPath": model.folder, "readOnly": True}


def _side(storage: StorageMount) -> PodSide:
    return KINDS[storage.kind].pod_side(slug(storage.name), storage.config, storage.folder)
