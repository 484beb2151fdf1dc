"""What an installation offers to its projects: registries, images, storages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain.project import Framework


@dataclass(frozen=True, slots=True)
class Registry:
    """Where images come from that needs a login; the password is never part of it."""

    id: UUID
    name: str
    host: str
    username: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class RegistryUse:
    """A project whose image comes from a registry."""

    project: str
    image: str


@dataclass(frozen=True, slots=True)
class Image:
    """An image that projects may choose; at most one per framework is the default."""

    id: UUID
    name: str
    reference: str
    framework: Framework
    description: str
    is_default: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Storage:
    """A place for data, logs and models; `config` is as its kind wants it. At most one is the default."""

    id: UUID
    name: str
    kind: str
    config: dict[str, Any]
    is_default: bool
    created_at: datetime
    updated_at: datetime
