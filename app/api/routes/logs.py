"""/trainings/{id}/logs: what the tasks printed, as text."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from app.api.deps import Ctx, Listing, Me, Paged
from app.api.problems import documented
from app.api.schemas.logs import LogHitOut, LogLinesOut
from app.domain.log_levels import Level
from app.domain.log_search import CONTEXT_MAX, PATTERN_MAX, LogQuery, key_of, place_of
from app.domain.paging import Page
from app.domain.training import TaskKey
from app.errors import FieldError, InvalidInput
from app.services.log_choice import LogRemoved, Which
from app.services.log_pages import PAGE_MOST
from app.services.log_pieces import TAIL_MOST

router = APIRouter(prefix="/trainings", tags=["trainings"])

_PLAIN: dict[int | str, dict[str, Any]] = {
    200: {"description": "The log", "content": {"text/plain": {"schema": {"type": "string"}}}}
}
_ZIP: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
}
Task = Annotated[str | None, Query(max_length=80, description="Such as worker-0. Absent: all tasks.")]
Attempt = Annotated[int | None, Query(ge=1, le=10_000, description="Counted from 1.")]


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
    which = _which(task, attempt)
    text = await context.logs.text(me, training_id, which, tail=tail, follow=follow, closing=context.closing)
    # Proxies that gather an answer before they pass it on would hold up a log that is followed.
    return StreamingResponse(text, media_type="text/plain; charset=utf-8", headers={"X-Accel-Buffering": "no"})


@router.get("/{training_id:uuid}/logs/search", responses=documented(404, 410))
async def search_training_logs(
    training_id: UUID,
    me: Me,
    context: Ctx,
    paging: Paged,
    pattern: Annotated[str, Query(max_length=PATTERN_MAX, description="A regular expression as RE2 reads it.")] = "",
    ignore_case: bool = False,
    level: Annotated[Level | None, Query(description="Only lines as bad as this, or worse.")] = None,
    lines: Annotated[int, Query(alias="context", ge=0, le=CONTEXT_MAX, description="Lines around each hit.")] = 0,
    task: Task = None,
    attempt: Attempt = None,
) -> Listing[LogHitOut]:
    """Lines that match, by task, try and line. A call looks for about two seconds: its items may be few, or none,
    though there are more: go on while next_cursor is not null."""
    query = LogQuery(pattern, ignore_case, level, lines, paging.request.limit)
    which, after = _which(task, attempt), place_of(paging.request.after)
    found = await context.log_search.search(me, training_id, which, query, after=after)
    return paging.listing(Page(found.hits, key_of(found.next)), LogHitOut.of_hit)


@router.get("/{training_id:uuid}/logs/lines", responses=documented(404, 410))
async def list_log_lines(
    training_id: UUID,
    me: Me,
    context: Ctx,
    task: Annotated[str, Query(max_length=80, description="Such as worker-0.")],
    attempt: Attempt = None,
    line: Annotated[int, Query(ge=1, le=2**53, description="The first of them, counted from 1.")] = 1,
    limit: Annotated[int, Query(ge=1, le=PAGE_MOST)] = 100,
) -> LogLinesOut:
    """Some lines of one log, from anywhere in it at once. Without `attempt`: of the task's newest try."""
    key = _key(task)
    assert key is not None
    page = await context.logs.page(me, training_id, key, attempt, line=line - 1, most=limit)
    if page.log.removed:
        raise LogRemoved
    return LogLinesOut.of_page(page.log, page.lines, page.next)


@router.get(
    "/{training_id:uuid}/logs/archive", response_class=StreamingResponse, responses={**documented(404, 410), **_ZIP}
)
async def download_training_logs(training_id: UUID, me: Me, context: Ctx) -> StreamingResponse:
    """A zip with the log of every try of every task."""
    name, pieces = await context.log_download.zipped(me, training_id)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Accel-Buffering": "no"}
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


def _which(task: str | None, attempt: int | None) -> Which:
    which = Which(_key(task), attempt)
    if which.key is None and attempt is not None:
        raise _wrong("attempt", "An attempt is one of a task: name the task too, such as worker-0.")
    return which


def _key(task: str | None) -> TaskKey | None:
    if task is None:
        return None
    try:
        return TaskKey.parse(task)
    except ValueError as exc:
        raise _wrong("task", f"{exc}.") from exc


def _wrong(field: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError(f"/{field}", detail)])
