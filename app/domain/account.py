"""People and what lets them in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.domain.access import UserRole


@dataclass(frozen=True, slots=True)
class User:
    """A person who may log in, unless disabled."""

    id: UUID
    name: str
    role: UserRole
    created_at: datetime
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is logged in."""

    id: UUID
    user_agent: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    current: bool = False  # the one that asks


@dataclass(frozen=True, slots=True)
class Token:
    """A program that acts for a person. `prefix` is all that is left to see of the secret."""

    id: UUID
    name: str
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
