"""Bodies of /tensorboards."""

from __future__ import annotations

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Duration, Input, Output
from app.domain.endpoints.endpoint import Endpoint, EndpointReason, EndpointState
from app.domain.training import NamespaceState
from app.services.tensorboards import MOST


class TensorBoardIn(Input):
    """What to show: all of a project, or chosen trainings of one project."""

    project: str | None = Field(None, max_length=200, description="All of its runs, those to come too.")
    trainings: list[UUID] | None = Field(None, min_length=1, max_length=MOST, description="Only these, by id.")


class TensorBoardOut(Output):
    """A TensorBoard. Open `url` in a browser, or send an API token there."""

    id: UUID
    name: str
    project: str
    trainings: list[UUID] | None = Field(description="null: all of the project")
    state: EndpointState
    reason: EndpointReason | None
    message: str
    url: str
    idle_timeout: Duration
    last_request_at: datetime | None
    stops_at: datetime | None = Field(description="When it is stopped unless it is used")
    namespace: str | None
    namespace_state: NamespaceState
    image: str
    created_by: str
    created_at: datetime
    running_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, endpoint: Endpoint, url: str) -> Self:
        spec = endpoint.tensorboard
        used = max(filter(None, (endpoint.running_at, endpoint.last_request_at)), default=None)
        return cls(
            id=endpoint.id,
            name=endpoint.name,
            project=endpoint.project,
            trainings=None if spec.trainings is None else list(spec.trainings),
            state=endpoint.state,
            reason=endpoint.reason,
            message=endpoint.message,
            url=url,
            idle_timeout=spec.idle_timeout,
            last_request_at=endpoint.last_request_at,
            stops_at=used + spec.idle_timeout if used and endpoint.state is EndpointState.RUNNING else None,
            namespace=endpoint.namespace,
            namespace_state=endpoint.namespace_state,
            image=spec.image,
            created_by=endpoint.created_by,
            created_at=endpoint.created_at,
            running_at=endpoint.running_at,
            ended_at=endpoint.ended_at,
        )
