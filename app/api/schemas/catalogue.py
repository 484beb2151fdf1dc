"""Registries, images and storages over the wire."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Flag, Input, Moment, Name, Output
from app.domain.catalogue_rules import DESCRIPTION_MAX, PASSWORD_MAX, USERNAME_MAX
from app.domain.project import Framework

Secret = Annotated[str, Field(min_length=1, max_length=PASSWORD_MAX, description="Write-only.")]
UserName = Annotated[str, Field(min_length=1, max_length=USERNAME_MAX)]
Reference = Annotated[str, Field(min_length=1, max_length=512, examples=["tensorflow/tensorflow:2.21.0"])]
Description = Annotated[str, Field(max_length=DESCRIPTION_MAX)]
Config = Annotated[dict[str, Any], Field(description="What this kind of storage needs.", max_length=50)]


class RegistryIn(Input):
    name: Name
    host: Annotated[str, Field(min_length=1, max_length=253, examples=["registry.example.com:5000"])]
    username: UserName
    password: Secret


class RegistryChangeIn(Input):
    """What is absent stays as it is."""

    username: UserName | None = None
    password: Secret | None = None


class RegistryOut(Output):
    id: UUID
    name: str
    host: str
    username: str
    created_at: Moment
    updated_at: Moment


class RegistryUseOut(Output):
    project: str
    image: str


class ImageIn(Input):
    name: Name
    reference: Reference
    framework: Framework
    description: Description = ""
    is_default: Flag = False


class ImageChangeIn(Input):
    """What is absent stays as it is."""

    reference: Reference | None = None
    description: Description | None = None
    is_default: Flag | None = None


class ImageOut(Output):
    id: UUID
    name: str
    reference: str
    framework: Framework
    description: str
    is_default: bool
    created_at: Moment


class StorageIn(Input):
    name: Name
    kind: Annotated[str, Field(min_length=1, max_length=63, examples=["nfs"])]
    config: Config
    is_default: Flag = False


class StorageChangeIn(Input):
    """What is absent stays as it is."""

    config: Config | None = None
    is_default: Flag | None = None


class StorageSettingOut(Output):
    name: str
    label: str
    hint: str
    example: str
    required: bool
    many: Annotated[bool, Field(description="A list of texts.")]


class StorageKindOut(Output):
    name: str
    label: str
    settings: tuple[StorageSettingOut, ...]


class StorageKindsOut(Output):
    items: list[StorageKindOut]


class StorageOut(Output):
    id: UUID
    name: str
    kind: str
    config: dict[str, Any]
    is_default: bool
    created_at: Moment
    updated_at: Moment
