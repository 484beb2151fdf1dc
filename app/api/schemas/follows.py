"""Projects that follow others, over the wire."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Input, Moment, Output
from app.domain.chain import PARAMS_MAX, TEMPLATE_MAX

Templates = Annotated[
    dict[str, Annotated[str, Field(max_length=TEMPLATE_MAX)]],
    Field(
        max_length=PARAMS_MAX,
        description="Filled from the training before: {{ model_dir }}, {{ project }}, {{ number }}, {{ training }}, "
        "{{ scheduled_for }}, {{ params.NAME }}.",
        examples=[{"model": "{{ model_dir }}"}],
    ),
]


class FollowIn(Input):
    upstream: Annotated[str, Field(min_length=1, max_length=63, description="The project to follow.")]
    params: Templates = Field(default_factory=dict)


class FollowChangeIn(Input):
    params: Templates


class FollowOut(Output):
    id: UUID
    project: str
    upstream: str
    params: dict[str, str]
    created_by: str
    created_at: Moment


class FollowStartOut(Output):
    """What one success led to."""

    upstream_id: UUID
    upstream_number: int
    created_at: Moment
    done_at: Annotated[Moment | None, Field(description="Null while it is to be carried out.")]
    training_id: UUID | None
    problem: Annotated[str, Field(description="Why nothing was started.")]
