"""Paths inside an upload: which are safe, and which two cannot stand side by side."""

from __future__ import annotations

import re

from app.domain.bundle.limits import Limits
from app.domain.bundle.refusals import Refusal, refuse

_COMPONENT_MAX_BYTES = 255
_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def clean_path(name: str, limits: Limits) -> str:
    """The path relative to the upload's root, without empty and `.` parts (`""` is the root itself), or a refusal."""
    if _CONTROL.search(name):
        raise refuse(Refusal.CONTROL, path=name)
    if name.startswith("/"):
        raise refuse(Refusal.ABSOLUTE, path=name)
    if _DRIVE.match(name):
        raise refuse(Refusal.DRIVE, path=name)
    if "\\" in name:
        raise refuse(Refusal.BACKSLASH, path=name)
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        raise refuse(Refusal.ENCODING, path=name) from None
    if length > limits.max_path_bytes:
        raise refuse(Refusal.TOO_LONG, path=name, limit=f"{limits.max_path_bytes:,} bytes")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise refuse(Refusal.PARENT, path=name)
    if any(len(part.encode()) > _COMPONENT_MAX_BYTES for part in parts):
        raise refuse(Refusal.TOO_LONG, path=name, limit=f"{_COMPONENT_MAX_BYTES} bytes for each name in it")
    if len(parts) > limits.max_depth:
        raise refuse(Refusal.TOO_LONG, path=name, limit=f"{limits.max_depth} folders deep")
    return "/".join(parts)


def is_desktop_litter(path: str) -> bool:
    """Whether macOS put it there for itself: it means nothing to a training and would spoil “one folder at the top”."""
    first, _, last = path.split("/")[0], "", path.rsplit("/", 1)[-1]
    return first == "__MACOSX" or last == ".DS_Store" or last.startswith("._")


def sort_key(path: str) -> tuple[bytes, ...]:
    """Orders paths folder by folder, the same everywhere; what lies in a folder follows it directly."""
    return tuple(path.encode().split(b"/"))
