"""New ids: UUIDv7, so that they are ordered by time on any PostgreSQL (`uuidv7()` is native only from 18 on)."""

from __future__ import annotations

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()
