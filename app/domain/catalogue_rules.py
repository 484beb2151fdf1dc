"""What an installation offers must be like: every way in (API, pages) refuses the same with the same words."""

from __future__ import annotations

import re

from app.domain.names import NAME, NAME_RULE, is_image
from app.errors import FieldError, InvalidInput

DESCRIPTION_MAX = 2000
USERNAME_MAX = 200
PASSWORD_MAX = 10_000
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
_HOST_MAX = 253


def check(*errors: FieldError | None) -> None:
    """Raises `InvalidInput` with all that is wrong."""
    found = [error for error in errors if error is not None]
    if found:
        raise InvalidInput(" ".join(error.detail for error in found), errors=found)


def name(value: str) -> FieldError | None:
    return None if NAME.fullmatch(value) else FieldError("/name", f"{value!r} cannot be a name: {NAME_RULE}.")


def reference(value: str) -> FieldError | None:
    """An image."""
    detail = "The reference must be an image such as tensorflow/tensorflow:2.21.0 or registry.example.com/team/tf."
    return None if is_image(value) else FieldError("/reference", detail)


def host(value: str) -> FieldError | None:
    """A registry's host, in lower case."""
    detail = "The host must be as image references begin, such as registry.example.com:5000, without https://."
    good = len(value) <= _HOST_MAX and _HOST.fullmatch(value)
    return None if good else FieldError("/host", detail)


def text(pointer: str, words: str, value: str, *, longest: int, empty: bool = False) -> FieldError | None:
    """`words` is how a sentence calls the field, such as "The user name"."""
    if not value and not empty:
        return FieldError(pointer, f"{words} is missing.")
    if len(value) > longest:
        return FieldError(pointer, f"{words} has {len(value):,} characters; use at most {longest:,}.")
    return None
