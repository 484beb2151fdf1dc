"""ETag and If-Match, so that nobody's edit is lost unseen."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Header

from app.errors import InvalidInput, PreconditionFailed, PreconditionRequired

_TAG = re.compile(r'(?:W/)?"([0-9]{1,18})"')


def etag(revision: int) -> str:
    """The ETag of a row at `revision`."""
    return f'"{revision}"'


class Expected:
    """The revisions that the sender has seen; `check` compares with the present one."""

    def __init__(self, revisions: frozenset[int] | None) -> None:
        self._revisions = revisions  # None: any

    @property
    def revision(self) -> int | None:
        """The one revision to write at; None for `*`."""
        return next(iter(self._revisions)) if self._revisions else None

    def check(self, revision: int) -> None:
        """Raises `PreconditionFailed` when the sender has not seen this revision."""
        if self._revisions is not None and revision not in self._revisions:
            raise PreconditionFailed("It was changed in the meantime. Load it again and repeat your change.")


def parse_if_match(value: str | None) -> Expected:
    """Raises `PreconditionRequired` without the header and `InvalidInput` when it cannot be read."""
    if value is None:
        raise PreconditionRequired("Send If-Match with the ETag that you last saw, or * to overwrite what is there.")
    if value.strip() == "*":
        return Expected(None)
    found = [_TAG.fullmatch(part.strip()) for part in value.split(",")]
    if not all(found):
        raise InvalidInput(f"If-Match must be an ETag such as {etag(3)}, as an answer gave it, or *.")
    return Expected(frozenset(int(tag.group(1)) for tag in found if tag))


def _if_match(value: Annotated[str | None, Header(alias="If-Match", max_length=500)] = None) -> Expected:
    return parse_if_match(value)


IfMatch = Annotated[Expected, Depends(_if_match)]
