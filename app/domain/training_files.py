"""What a training left on its storage: names of files as people and programs may write them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.errors import FieldError, InvalidInput

AREAS = ("logs", "models")
"""TAAS_LOG_DIR and TAAS_MODEL_DIR of one training; paths begin with one of these words."""
_PATH_MAX = 4_000
_NAME_MAX = 255
_DEEPEST = 64


class EntryKind(StrEnum):
    """`other`: a link, a pipe, a device. It is named, but never opened."""

    FOLDER = "folder"
    FILE = "file"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Entry:
    """`path` is None when the name is not text that an address could hold; `size` in bytes, of files only."""

    name: str
    path: str | None
    kind: EntryKind
    size: int | None
    modified: datetime


@dataclass(frozen=True, slots=True)
class Folder:
    """Part of a folder, by name. `truncated`: it has so many entries that not all of them were looked at."""

    entries: tuple[Entry, ...]
    next: str | None
    truncated: bool


def parts_of(path: str) -> tuple[str, ...]:
    """`models/1/saved.pb` as its parts. Raises `InvalidInput` unless it is a path below one of AREAS."""
    parts = tuple(path.split("/"))
    if parts[0] not in AREAS:
        raise _wrong(f"A path begins with {' or '.join(AREAS)}, such as models/weights.npz.")
    if len(path) > _PATH_MAX or len(parts) > _DEEPEST:
        raise _wrong(f"The path is too long: use at most {_PATH_MAX:,} characters and {_DEEPEST} folders.")
    if not all(_is_name(part) for part in parts):
        raise _wrong("A path has no empty parts, no '.' and no '..', and only characters that can be shown.")
    return parts


def _is_name(text: str) -> bool:
    """Whether a file of that name can be asked for."""
    return bool(text) and text not in (".", "..") and is_plain(text)


def is_plain(name: str) -> bool:
    """Whether it is text that addresses and pages can hold: no bytes that are no text, nothing that hides."""
    return name.isprintable() and "/" not in name and len(name.encode("utf-8", "replace")) <= _NAME_MAX


def _wrong(detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError("/path", detail)])
