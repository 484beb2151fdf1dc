"""Logs: merged or of one task, as they are kept or as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from markupsafe import Markup

from app.domain.log import LogInfo, LogOverview
from app.domain.log_search import CONTEXT_MAX, PATTERN_MAX
from app.domain.record import TrainingRecord
from app.domain.training import TaskKey
from app.errors import NotFound
from app.services.log_choice import Which
from app.ui.live import Frame, frames
from app.ui.log_batches import batches
from app.ui.log_lines import LineWriter, chunked, cursor_text, labels_of, read_cursor
from app.ui.log_places import TEXT_MAX, place_text, read_place
from app.ui.page import Page, Shown
from app.ui.render import render
from app.ui.routes.trainings import head_values, over

router = APIRouter()

# How many lines a page begins with, and how many come with each look at those before and behind them: what Chromium
# lays out in well under a second on a busy machine. More of them come while the reader scrolls.
LINES = 1_000
# What is shown above a line that an address names.
ABOVE = 300
CONTEXTS = (0, 2, 5, CONTEXT_MAX)
LEVELS = (("", "All levels"), ("info", "Info and worse"), ("warning", "Warnings and worse"), ("error", "Errors"))
# A place in this many logs still fits into the header that a browser sends when it comes back.
PLACES_MAX = 50
Task = Annotated[str, Query(max_length=80)]
Try = Annotated[int | None, Query(ge=1, le=1_000_000)]
Line = Annotated[int | None, Query(ge=1, le=2**53)]
From = Annotated[int | None, Query(ge=0, le=2**53)]
Place = Annotated[str, Query(max_length=TEXT_MAX)]


@router.get("/trainings/{training_id}/logs")
async def logs_page(
    page: Shown,
    training_id: UUID,
    task: Task = "",
    attempt: Try = None,
    before: Line = None,
    after: From = None,
    line: Line = None,
    place: Place = "",
    level: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    record = await page.context.trainings.get(page.viewer, training_id)
    overview = await page.context.logs.overview(page.viewer, training_id)
    which = which_of(task, attempt, record)
    tries = [log.attempt for log in overview.logs if log.key == which.key]
    newest = before is None and after is None and line is None and not place
    live = newest and overview.growing and (attempt is None or attempt not in tries[:-1])
    chunks: list[Markup] = []
    earlier, later, shortened = "", "", False
    if which.merged and not live:
        chunks, earlier, shortened = await _kept_merged(page, record, overview, place)
    elif not live:
        first = max(0, before - LINES) if before else max(0, line - 1 - ABOVE) if line else after
        until = before if before else None
        chunks, earlier, later = await _kept(page, record, which, first, until)
    query = f"?task={task}" + (f"&attempt={attempt}" if attempt else "")
    head = await head_values(page, record, tab="/logs")
    values = head | {
        "tasks": [str(key) for key in keys_of(record)],
        "task": task,
        "attempts": tries,
        "attempt": attempt or (tries[-1] if tries else 1),
        "live": live,
        "is_over": over(record) and not live,
        "chunks": chunks,
        "earlier_url": f"{query}&{earlier}" if earlier else "",
        "later_url": f"{query}&{later}" if later else "",
        "newest": newest,
        "line": line,
        "shortened": shortened,
        "download_url": f"/api/v1/trainings/{training_id}/logs" + (query if task else ""),
        "levels": LEVELS,
        "level": level if level in dict(LEVELS) else "",
        "contexts": CONTEXTS,
        "search_max": PATTERN_MAX,
        # Of a place in the log only the head goes on; new lines belong to its end.
        "live_url": f"/live/trainings/{training_id}/logs{query}" if newest else head["live_url"],
        **verdict_values(overview, which),
    }
    return page.show("training_logs", values)


@router.get("/live/trainings/{training_id}/logs", response_class=EventSourceResponse)
async def logs_live(
    page: Shown,
    training_id: UUID,
    task: Task = "",
    attempt: Try = None,
    last_event_id: Annotated[str, Header(max_length=8000)] = "",
) -> AsyncIterator[ServerSentEvent]:
    record = await page.context.trainings.get(page.viewer, training_id)
    which = which_of(task, attempt, record)
    messages: asyncio.Queue[ServerSentEvent | None] = asyncio.Queue(maxsize=8)
    lines = _lines(page, record, which, last_event_id)
    tasks = [asyncio.create_task(_pour(source, messages)) for source in (lines, _head(page, training_id, which))]
    ended = 0
    try:
        while ended < len(tasks):
            message = await messages.get()
            if message is None:
                ended += 1
            elif message.event == "stop":
                return
            else:
                yield message
        yield ServerSentEvent(event="done", raw_data="-")
    finally:
        for one in tasks:
            one.cancel()


async def _pour(source: AsyncIterator[ServerSentEvent], messages: asyncio.Queue[ServerSentEvent | None]) -> None:
    try:
        async for message in source:
            await messages.put(message)
    finally:
        await messages.put(None)


async def _head(page: Page, training_id: UUID, which: Which) -> AsyncIterator[ServerSentEvent]:
    async def look() -> Frame:
        record = await page.context.trainings.get(page.viewer, training_id)
        overview = await page.context.logs.overview(page.viewer, training_id)
        head = render("parts/training_head.html", await head_values(page, record, tab="/logs"))
        verdict = render("parts/log_verdict.html", verdict_values(overview, which))
        return Frame({"training-head": head, "log-verdict": verdict}, over=over(record) and not overview.growing)

    async for message in frames(page, look, channel="trainings", only=str(training_id)):
        if message.event == "done":
            return
        yield message
    # The session is over, or the process is about to end: the lines have to end as well.
    yield ServerSentEvent(event="stop", raw_data="-")


async def _lines(
    page: Page, record: TrainingRecord, which: Which, last_event_id: str
) -> AsyncIterator[ServerSentEvent]:
    """Lines as they come: messages `log` with as many as there are at a time."""
    after = read_cursor(last_event_id)
    if last_event_id and after is None:
        yield ServerSentEvent(event="log-reset", raw_data="-")
    begins: dict[UUID, int] = {}
    slices = await page.context.logs.slices(
        page.viewer,
        record.training.id,
        which,
        tail=None if after else LINES,
        follow=True,
        after=after,
        closing=page.context.closing,
        begins=begins,
    )
    labels = labels_of(record.training.spec.run) if which.merged else None
    writer = LineWriter(labels, dict(after or {}), page.zone)
    async for batch in batches(slices):
        lines = writer.lines(batch)
        if writer.first_line is not None and not after:
            yield ServerSentEvent(event="log-first", raw_data=await _earlier(page, record, which, writer, begins))
            after = writer.taken
        if lines:
            yield _message(lines, writer)
    rest = writer.rest()
    if rest:
        yield _message(rest, writer)


def _message(lines: list[Markup], writer: LineWriter) -> ServerSentEvent:
    place = cursor_text(writer.taken) if len(writer.taken) <= PLACES_MAX else "-"
    return ServerSentEvent(event="log", raw_data="".join(lines), id=place)


async def _earlier(
    page: Page, record: TrainingRecord, which: Which, writer: LineWriter, begins: dict[UUID, int]
) -> str:
    """What an address has to say to show the lines before those of the stream; `-` when there are none."""
    if which.key:
        return f"before={writer.first_line}" if writer.first_line else "-"
    overview = await page.context.logs.overview(page.viewer, record.training.id)
    return _place(begins, overview) or "-"


def _place(begins: Mapping[UUID, int], overview: LogOverview) -> str:
    text = place_text(begins, [log.attempt_id for log in overview.logs])
    return f"place={text}" if text else ""


async def _kept(
    page: Page, record: TrainingRecord, which: Which, first: int | None, until: int | None
) -> tuple[list[Markup], str, str]:
    """Of one task: the chunks of a page that is made at once, and where to look for earlier and for later lines.

    From line `first` (counted from 0) up to `until`; without a first line the newest.
    """
    writer = LineWriter(None, zone=page.zone)
    if first is None or which.key is None:
        slices = await page.context.logs.slices(page.viewer, record.training.id, which, tail=LINES)
        lines = [line async for piece in slices for line in writer.lines([piece])] + writer.rest()
        first = writer.first_line or 0
        return chunked(lines), f"before={first}" if first else "", ""
    most = until - first if until is not None else LINES
    found = await page.context.logs.page(
        page.viewer, record.training.id, which.key, which.attempt, line=first, most=most
    )
    later = f"after={found.next}" if found.next is not None else ""
    return chunked(writer.of_page(found)), f"before={first}" if first else "", later


async def _kept_merged(
    page: Page, record: TrainingRecord, overview: LogOverview, place: str
) -> tuple[list[Markup], str, bool]:
    """The same of all tasks. The last value says that there are earlier lines which no address can name."""
    logs, training_id = page.context.logs, record.training.id
    begins: dict[UUID, int] = {}
    if place:
        before = read_place(place, [log.attempt_id for log in overview.logs])
        slices = await logs.earlier(page.viewer, training_id, before, most=LINES, begins=begins)
    else:
        slices = await logs.slices(page.viewer, training_id, Which(), tail=LINES, begins=begins)
    writer = LineWriter(labels_of(record.training.spec.run), zone=page.zone)
    lines = [line async for piece in slices for line in writer.lines([piece])] + writer.rest()
    earlier = _place(begins, overview)
    return chunked(lines), earlier, not earlier and any(begins.values())


def which_of(task: str, attempt: int | None, record: TrainingRecord) -> Which:
    """What the address asks for. Raises `NotFound` for a task that the training does not have."""
    if not task:
        return Which()
    try:
        key = TaskKey.parse(task)
    except ValueError as exc:
        raise NotFound(f"{exc}.") from exc
    if key.role not in record.training.spec.run.roles or key.index >= record.training.spec.run.roles[key.role].count:
        raise NotFound(f"{record.training.project} #{record.training.number} has no task {task}.")
    return Which(key, attempt)


def keys_of(record: TrainingRecord) -> list[TaskKey]:
    run = record.training.spec.run
    return [TaskKey(role, index) for role in run.role_names for index in range(run.roles[role].count)]


def verdict_values(overview: LogOverview, which: Which) -> dict[str, Any]:
    """What is known of the completeness of what is shown: one try's verdict, or the tasks that are not verified."""
    logs = [log for log in overview.logs if which.key in (None, log.key)]
    if which.key is not None:
        logs = [log for log in logs if which.attempt in (None, log.attempt)][-1:]
    removed = any(log.removed for log in logs)
    written = any(log.readable for log in logs)
    return {"verdicts": _verdicts(logs), "growing": overview.growing, "removed": removed, "written": written}


def _verdicts(logs: list[LogInfo]) -> list[dict[str, Any]]:
    found: dict[Any, dict[str, Any]] = {}
    for log in logs:
        if log.verdict is None:
            continue
        one = found.setdefault(log.verdict, {"verdict": log.verdict, "count": 0, "missing": 0, "unknown": False})
        one["count"] += 1
        one["missing"] += log.missing_lines or 0
        one["unknown"] = one["unknown"] or log.missing_lines is None
    return list(found.values())
