"""Algorithms and versions over the wire."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Input, Moment, Output
from app.domain.algorithm import DESCRIPTION_MAX
from app.domain.finding import Rule


class FindingOut(Output):
    """What the linter noticed; it refuses nothing."""

    rule: Rule
    path: str | None
    line: int | None
    message: str


class VersionOut(Output):
    """One immutable upload. `digest` is the SHA-256 of its canonical tar, sizes are in bytes."""

    id: UUID
    algorithm: str
    number: int
    digest: str
    size: Annotated[int, Field(description="Of all files together.")]
    archive_size: Annotated[int, Field(description="Of the packed archive.")]
    file_count: int
    findings: list[FindingOut]
    created_by: str
    created_at: Moment


class AlgorithmOut(Output):
    id: UUID
    name: str
    description: str
    owner: str
    latest: Annotated[int, Field(description="The number of the newest version.")]
    created_at: Moment
    updated_at: Moment


class NewAlgorithmOut(AlgorithmOut):
    version: VersionOut


class AlgorithmPatch(Input):
    description: Annotated[str, Field(max_length=DESCRIPTION_MAX)]


class FileOut(Output):
    path: str
    size: int
    executable: bool
    text: Annotated[bool, Field(description="Whether it looks like UTF-8 text.")]


class FilesOut(Output):
    """Every file, folder by folder."""

    items: list[FileOut]


_ARCHIVE = {"type": "string", "format": "binary", "description": "A zip, tar or tar.gz with run.sh at its root."}
_FILES = {
    "type": "array",
    "items": {"type": "string", "format": "binary"},
    "description": "Instead of an archive: the files of a folder, each with its path as its file name.",
}


def upload_body(*, named: bool) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads an upload by itself, as it streams in."""
    fields: dict[str, Any] = {"archive": _ARCHIVE, "files": _FILES}
    required: list[str] = []
    if named:
        name = {"type": "string", "minLength": 1, "maxLength": 63, "description": "Of the new algorithm."}
        fields = {"name": name, "description": {"type": "string", "maxLength": DESCRIPTION_MAX}, **fields}
        required = ["name"]
    schema = {"type": "object", "properties": fields, **({"required": required} if required else {})}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}
