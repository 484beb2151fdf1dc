"""What is looked up by a name that somebody gave: it is there, or there is a sentence."""

from __future__ import annotations

from typing import TypeVar

from app.errors import NotFound

T = TypeVar("T")


def known(found: T | None, what: str, name: str) -> T:
    """Raises `NotFound`; `what` is such as "image"."""
    if found is None:
        raise NotFound(f"There is no {what} named {name}.")
    return found
