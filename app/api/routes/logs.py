"""/trainings/{id}/logs: what the tasks printed, as text."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from app.api.deps import Ctx, Me
from app.api.problems import documented
from app.domain.training import TaskKey
from app.errors import FieldError, InvalidInput
from app.services.logs import TAIL_MOST, Which

router = APIRouter(prefix="/trainings", tags=["trainings"])

_PLAIN: dict[int | str, dict[str, Any]] = {
    200: {"description": "The log", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


@router.get("/{training_id:uuid}/logs", response_class=StreamingResponse, responses={**documented(404, 410), **_PLAIN})
async def get_training_logs(
    training_id: UUID,
    me: Me,
    context: Ctx,
    task: Annotated[
        str | None, Query(max_length=80, description="Absent: all tasks, merged by time, each line with its task.")
    ] = None,
    attempt: Annotated[int | None, Query(ge=1, le=10_000, description="Absent: the task's newest try.")] = None,
    tail: Annotated[int | None, Query(ge=0, le=TAIL_MOST, description="Only the last lines.")] = None,
    follow: Annotated[bool, Query(description="Go on with what comes until nothing can come any more.")] = False,
) -> StreamingResponse:
    """The bytes as the tasks printed them, live or archived."""
    which = Which(_key(task), attempt)
    if which.key is None and attempt is not None:
        raise _wrong("attempt", "An attempt is one of a task: name the task too, such as worker-0.")
    text = await context.logs.text(me, training_id, which, tail=tail, follow=follow, closing=context.closing)
    # Proxies that gather an answer before they pass it on would hold up a log that is followed.
    return StreamingResponse(text, media_type="text/plain; charset=utf-8", headers={"X-Accel-Buffering": "no"})


def _key(task: str | None) -> TaskKey | None:
    if task is None:
        return None
    try:
        return TaskKey.parse(task)
    except ValueError as exc:
        raise _wrong("task", f"{exc}.") from exc


def _wrong(field: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError(f"/{field}", detail)])
