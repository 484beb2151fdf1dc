"""What a training's objects are made from, and what comes out: two frozen values with a pure function between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.domain.names import slug
from app.domain.project import RunSpec
from app.domain.training import StorageMount, TrainingSpec

Manifest = dict[str, Any]
"""A Kubernetes object as plain dicts and lists, spelt as in YAML."""


@dataclass(frozen=True, slots=True)
class Egress:
    """Where else the training's pods may connect to: an address range and a TCP port (None: every port)."""

    cidr: str
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """Everything that a training's Kubernetes objects depend on.

    The code is either `bundle`, the tar.gz that travels in ConfigMaps, or `bundle_path`, where it lies on the first
    storage (relative to the project's folder). `pull_secret` is the content of a `.dockerconfigjson`.
    """

    training_id: UUID
    project: str
    number: int
    installation: str
    namespace: str
    spec: TrainingSpec
    bundle: bytes | None = None
    bundle_path: str | None = None
    secret_env: Mapping[str, str] = field(default_factory=dict)
    pull_secret: Mapping[str, Any] | None = None
    egress: tuple[Egress, ...] = ()
    gpu_resource: str = "nvidia.com/gpu"

    @property
    def project_slug(self) -> str:
        """The project's name as a label value."""
        return slug(self.project)

    @property
    def storages(self) -> tuple[StorageMount, ...]:
        """The storages that its tasks see; the first one has its directories."""
        return (self.spec.storage,) if self.spec.storage else ()

    @property
    def run(self) -> RunSpec:
        """How it runs."""
        return self.spec.run


@dataclass(frozen=True, slots=True)
class TrainingObjects:
    """A training's objects. They are written in the order of the fields, and `jobs`, by role, come last."""

    namespace: Manifest
    network_policy: Manifest
    secrets: tuple[Manifest, ...]
    config_maps: tuple[Manifest, ...]
    service: Manifest
    volumes: tuple[Manifest, ...]  # PersistentVolumes: the only ones outside of the namespace
    claims: tuple[Manifest, ...]
    jobs: dict[str, Manifest]

    def in_order(self) -> Iterator[Manifest]:
        """Every object, in the order in which they are written."""
        yield self.namespace
        yield self.network_policy
        yield from self.secrets
        yield from self.config_maps
        yield self.service
        yield from self.volumes
        yield from self.claims
        yield from self.jobs.values()
