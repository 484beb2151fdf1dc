"""Checks that the kinds of storage share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors import FieldError


def unknown(config: Mapping[str, Any], known: tuple[str, ...]) -> list[FieldError]:
    """One error for each setting that this kind does not have."""
    return [
        FieldError(f"/{name}", f"There is no setting of that name; this kind of storage has {', '.join(known)}.")
        for name in config
        if name not in known
    ]


def absolute_path(config: Mapping[str, Any], field: str, *, required: bool = True) -> list[FieldError]:
    """An absolute path without `..`, as Kubernetes wants it too."""
    value = config.get(field)
    if value is None and not required:
        return []
    good = isinstance(value, str) and value.startswith("/") and "\0" not in value and ".." not in value.split("/")
    return [] if good else [FieldError(f"/{field}", "Give an absolute path without '..', such as /srv/taas.")]


def text(config: Mapping[str, Any], field: str, example: str) -> list[FieldError]:
    """Some text without spaces."""
    value = config.get(field)
    good = isinstance(value, str) and value and len(value) <= 253 and not any(c.isspace() or c == "\0" for c in value)
    return [] if good else [FieldError(f"/{field}", f"Give a name or address, such as {example}.")]
