"""People and their sessions over the wire."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Flag, Input, Moment, Name, Output
from app.auth.passwords import LONGEST, SHORTEST
from app.domain.access import UserRole

NewPassword = Annotated[str, Field(min_length=SHORTEST, max_length=LONGEST)]
# What is compared with the stored one only has to be short enough to hash.
GivenPassword = Annotated[str, Field(min_length=1, max_length=LONGEST)]


class LoginIn(Input):
    name: Annotated[str, Field(min_length=1, max_length=63)]
    password: GivenPassword


class MeOut(Output):
    """Who is asking."""

    name: str
    role: UserRole


class SessionOut(Output):
    id: UUID
    user_agent: str
    created_at: Moment
    last_seen_at: Moment
    expires_at: Moment
    current: Annotated[bool, Field(description="Whether it is the one that asks.")]


class SessionsOut(Output):
    items: list[SessionOut]


class PasswordChangeIn(Input):
    current_password: GivenPassword
    password: NewPassword


class UserIn(Input):
    name: Name
    role: UserRole = UserRole.MEMBER
    password: NewPassword


class UserChangeIn(Input):
    """What is absent stays as it is."""

    role: UserRole | None = None
    disabled: Flag | None = None


class PasswordIn(Input):
    password: NewPassword


class UserOut(Output):
    id: UUID
    name: str
    role: UserRole
    created_at: Moment
    disabled_at: Moment | None
