"""What a kind of storage has to say: is it well described, how does a pod meet it, and can TaaS itself reach it.

Whatever the kind, a project has one folder on a storage, and pods see nothing beside it:

    <root>/<project's slug>-<5 characters of its id>/
        data/             shared by the project's trainings            TAAS_DATA_DIR
        logs/<number>/    summaries and logs of one training           TAAS_LOG_DIR
        models/<number>/  models and checkpoints of one training       TAAS_MODEL_DIR
        bundles/          code too large for ConfigMaps, written by TaaS

A training can read what earlier trainings of its own project have left. On a volume the project's folder is the only
thing mounted (`subPath`), and kubelet makes it if it is missing, with the group and mode of the volume's root. So the
root must exist and must belong to group 1000 with mode 2770: on a `local` volume kubelet sees to that by `fsGroup`,
an NFS export has to come so from its server. The folders within are made by the tasks themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from app.errors import FieldError
from app.k8s.manifests.launch import Egress, Manifest

MOUNTS = "/taas/storages"


@dataclass(frozen=True, slots=True)
class PodSide:
    """How pods meet a storage: `folder` is the project's folder as a task sees it (a path or a URL).

    `volume` is the part of a PersistentVolume's spec that names the volume, None where nothing is mounted; `egress`
    is what the tasks must be able to connect to.
    """

    folder: str
    volume: Manifest | None = None
    egress: tuple[Egress, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a kind, for whoever fills it in; `check` has the last word. `many`: a list of texts."""

    name: str
    label: str
    hint: str
    example: str
    required: bool = True
    many: bool = False


class StorageKind(Protocol):
    """One kind of storage."""

    @property
    def name(self) -> str:
        """The word for it in the API, such as `nfs`."""

    @property
    def label(self) -> str:
        """What it is, in a few words."""

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What a form asks for."""

    def check(self, config: Mapping[str, Any]) -> list[FieldError]:
        """What is wrong with a storage's settings; pointers are relative to them."""

    def pod_side(self, name: str, config: Mapping[str, Any], folder: str) -> PodSide:
        """How pods meet the folder `folder` of the storage called `name`."""

    def url(self, config: Mapping[str, Any]) -> str | None:
        """The root as an fsspec URL for TaaS itself; None where TaaS cannot reach it."""
