"""Algorithms: what was uploaded, version by version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.domain.finding import Finding

RUN_SH = "run.sh"
DESCRIPTION_MAX = 2000


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A named series of versions. `owner` is a person's name, `latest` the highest version's number."""

    id: UUID
    name: str
    description: str
    owner_id: UUID
    owner: str
    latest: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Version:
    """One immutable upload. `size` counts the bytes of its `file_count` files, `archive_size` those of its tar.gz."""

    id: UUID
    algorithm_id: UUID
    algorithm: str
    number: int
    digest: str
    size: int
    archive_size: int
    file_count: int
    findings: tuple[Finding, ...]
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of a bundle. `offset` is where its bytes begin in the canonical tar (before gzip)."""

    path: str
    size: int
    offset: int
    executable: bool
    text: bool


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a canonical archive holds, and what was noticed while it was made.

    `digest` is the hex SHA-256 of the canonical tar; `size` counts the bytes of all files, `archive_size` those of the
    tar.gz. `run_sh` is the start script as stored, `run_sh_normalised` says that it came with CRLF line ends;
    `crlf_scripts` are other shell scripts with them; `left_out` counts files that a desktop had added for itself.
    """

    digest: str
    size: int
    archive_size: int
    files: tuple[FileEntry, ...]
    run_sh: bytes
    run_sh_normalised: bool = False
    crlf_scripts: tuple[str, ...] = ()
    left_out: int = 0


def bundle_key(digest: str) -> str:
    """Where the bundle with that digest lies in the object store."""
    return f"bundles/{digest}.tar.gz"
