"""API tokens over the wire."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Duration, Input, Moment, Output


class TokenIn(Input):
    name: Annotated[str, Field(min_length=1, max_length=100, description="What it is for; one of its kind per person.")]
    expires_in: Annotated[Duration | None, Field(description="Unset: it stays valid until revoked.")] = None


class TokenOut(Output):
    id: UUID
    name: str
    prefix: str
    created_at: Moment
    expires_at: Moment | None
    last_used_at: Moment | None


class NewTokenOut(TokenOut):
    token: Annotated[str, Field(description="The secret, shown this once.")]
