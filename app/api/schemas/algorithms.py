"""Algorithms and versions over the wire."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Input, Moment, Output
from app.domain.algorithm import DESCRIPTION_MAX
from app.domain.comparison import FileStatus
from app.domain.finding import Rule
from app.services.comparisons import Comparison


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


class FileChangeOut(Output):
    """A file that differs. unknown: equally large in both, and too much to look into."""

    path: str
    status: FileStatus
    before: Annotated[FileOut | None, Field(description="Null: it is not there.")]
    after: Annotated[FileOut | None, Field(description="Null: it is not there.")]
    diff: Annotated[str | None, Field(description="Unified; null: see why_no_diff.")]
    why_no_diff: str


class ComparisonOut(Output):
    algorithm: str
    before: int
    after: int
    files: list[FileChangeOut]

    @classmethod
    def of(cls, found: Comparison) -> ComparisonOut:
        files = [
            FileChangeOut(
                path=file.change.path,
                status=file.change.status,
                before=FileOut.model_validate(file.change.before) if file.change.before else None,
                after=FileOut.model_validate(file.change.after) if file.change.after else None,
                diff=file.lines,
                why_no_diff=file.why_no_lines,
            )
            for file in found.files
        ]
        return cls(algorithm=found.after.algorithm, before=found.before.number, after=found.after.number, files=files)


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
