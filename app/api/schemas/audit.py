"""Bodies of /audit."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Moment, Output


class AuditEntryOut(Output):
    id: UUID
    at: Moment
    actor: Annotated[str, Field(description="Who did it: a person, or what TaaS itself did it for.")]
    action: Annotated[str, Field(examples=["project.update"])]
    object: Annotated[str, Field(examples=["project/digits"])]
    object_name: Annotated[
        str | None,
        Field(description="What it is called now; null when it is not there any more.", examples=["digits"]),
    ]
    object_path: Annotated[str | None, Field(description="Of its page, as long as it is there.")]
    detail: Annotated[dict[str, Any], Field(description="What belongs to the action; never a secret.")]
