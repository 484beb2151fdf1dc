"""The record of a training with its tasks, events and manifests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.domain.access import Action, can
from app.domain.arguments import arguments
from app.domain.paging import PageRequest
from app.domain.record import TrainingRecord
from app.domain.training import NamespaceState, Training
from app.errors import Conflict, NotFound
from app.services.drafts import NOTES_MAX
from app.services.manifests import shown
from app.ui.commands import of_training
from app.ui.fields import Sent
from app.ui.last_words import last_words
from app.ui.live import GATHER_SECONDS, Frame, frames
from app.ui.manifests import documents_of
from app.ui.page import Page, Shown, to
from app.ui.phases import phases
from app.ui.render import render
from app.ui.task_bars import axis_of
from app.ui.task_groups import ROWS, groups_of, pages_of

router = APIRouter()

EVENTS_SHOWN = 200
# A page of thousands of tasks costs more to make than one of four.
GATHER_MANY = 1.0
RolePage = Annotated[int, Query(ge=1, le=10_000)]


@router.get("/trainings/{training_id}")
async def training_page(page: Shown, training_id: UUID, role: str = "", at: RolePage = 1) -> Response:
    record = await page.context.trainings.get(page.viewer, training_id)
    values = await head_values(page, record, tab="") | await _task_values(page, record, role, at)
    return page.show("training", values)


@router.get("/live/trainings/{training_id}", response_class=EventSourceResponse)
async def training_live(
    page: Shown, training_id: UUID, tab: str = "", role: str = "", at: RolePage = 1, cursor: str = ""
) -> AsyncIterator[ServerSentEvent]:
    record = await page.context.trainings.get(page.viewer, training_id)

    async def look_again() -> Frame:
        current = await page.context.trainings.get(page.viewer, training_id)
        values = await head_values(page, current, tab=tab)
        parts = {"training-head": render("parts/training_head.html", values)}
        if tab == "":
            values |= await _task_values(page, current, role, at)
            parts["tasks"] = render("parts/tasks.html", values)
            parts["last-words"] = render("parts/last_words.html", values)
        if tab == "/events" and not cursor:
            parts["events"] = render("parts/events.html", await _event_values(page, current, PageRequest(EVENTS_SHOWN)))
        return Frame(parts, over=over(current))

    gather = GATHER_SECONDS if record.training.counts.total <= 4 * ROWS else GATHER_MANY
    async for message in frames(page, look_again, channel="trainings", only=str(training_id), gather=gather):
        yield message


@router.get("/trainings/{training_id}/events")
async def events_page(page: Shown, training_id: UUID) -> Response:
    record = await page.context.trainings.get(page.viewer, training_id)
    values = await head_values(page, record, tab="/events") | await _event_values(
        page, record, page.paged(EVENTS_SHOWN)
    )
    return page.show("training_events", values)


@router.get("/trainings/{training_id}/manifests")
async def manifests_page(page: Shown, training_id: UUID) -> Response:
    record = await page.context.trainings.get(page.viewer, training_id)
    objects = await page.context.launching.manifests(page.viewer, training_id)
    return page.show(
        "training_manifests",
        await head_values(page, record, tab="/manifests") | {"documents": documents_of(shown(objects))},
    )


@router.get("/trainings/{training_id}/code")
async def training_code(page: Shown, training_id: UUID) -> Response:
    spec = (await page.context.trainings.get(page.viewer, training_id)).training.spec
    return to(f"/algorithms/{spec.algorithm}/versions/{spec.version}")


@router.post("/trainings/{training_id}/stop")
async def stop_training(page: Shown, training_id: UUID) -> Response:
    await page.context.trainings.stop(page.viewer, training_id)
    return to(f"/trainings/{training_id}")


@router.post("/trainings/{training_id}/release")
async def release_training(page: Shown, training_id: UUID) -> Response:
    await page.context.trainings.release(page.viewer, training_id)
    return to(f"/trainings/{training_id}")


@router.post("/trainings/{training_id}/notes")
async def annotate_training(page: Shown, training_id: UUID) -> Response:
    notes = Sent(await page.request.form(max_fields=10)).text("notes")
    if len(notes) <= NOTES_MAX:
        await page.context.trainings.annotate(page.viewer, training_id, notes)
        return to(f"/trainings/{training_id}#notes")
    record = await page.context.trainings.get(page.viewer, training_id)
    values = await head_values(page, record, tab="") | await _task_values(page, record, "", 1)
    errors = {"/notes": f"Notes may have at most {NOTES_MAX:,} characters; these have {len(notes):,}."}
    return page.show("training", values | {"notes": notes, "errors": errors}, 422)


@router.post("/trainings/{training_id}/retry")
async def retry_training(page: Shown, training_id: UUID) -> Response:
    try:
        record = await page.context.launching.retry(page.viewer, training_id)
    except Conflict as exc:
        values = await head_values(page, await page.context.trainings.get(page.viewer, training_id), tab="")
        return page.show("training_refused", values | {"problem": exc.detail}, exc.status)
    return to(f"/trainings/{record.training.id}")


async def head_values(page: Page, record: TrainingRecord, *, tab: str) -> dict[str, Any]:
    """What the head of a record needs, on each of its tabs."""
    training = record.training
    query = f"?tab={tab}" + (f"&{page.request.url.query}" if page.request.url.query else "")
    return {
        "training": training,
        "phases": phases(training),
        "removed": _removed(training),
        "backfill_id": record.backfill_id,
        "others": await _others(page, training),
        "unproven": await page.context.trainings.unproven(page.viewer, training),
        "namespace_message": record.namespace_message,
        "notes": record.notes,
        "may_change": can(page.viewer, Action.CHANGE, owner_id=record.owner_id),
        "may_create": can(page.viewer, Action.CREATE),
        "tab": tab,
        "commands": [] if tab else of_training(page, record),
        "arguments": [] if tab else arguments(training.spec, training.number),
        "last_success": await page.context.trainings.success_before(page.viewer, training) if not tab else None,
        "live_url": f"/live/trainings/{training.id}{query}",
        "is_over": over(record),
    }


def over(record: TrainingRecord) -> bool:
    """Whether nothing of the record will change any more."""
    gone = record.training.namespace_state in (NamespaceState.NONE, NamespaceState.GONE)
    return record.training.state.ended and gone


async def _others(page: Page, training: Training) -> list[tuple[str, UUID, int | None]]:
    """The trainings that it is tied to: how, which, and their numbers as long as they are on record."""
    ties = [("Retry of", training.retry_of), ("Replaces", training.replaces), ("Replaced by", training.replaced_by)]
    found: list[tuple[str, UUID, int | None]] = []
    for word, other in ties:
        if other is not None:
            try:
                number = (await page.context.trainings.get(page.viewer, other)).training.number
            except NotFound:
                number = None
            found.append((word, other, number))
    return found


def _removed(training: Training) -> int:
    """How many tasks were ended because they were no longer needed: what has ended in no other way."""
    counts = training.counts
    return counts.total - counts.succeeded - counts.failed - counts.running if training.state.ended else 0


async def _task_values(page: Page, record: TrainingRecord, role: str, at: int) -> dict[str, Any]:
    training = record.training
    tasks = await page.context.trainings.all_tasks(page.viewer, training.id)
    now = page.context.clock()
    silent = await page.context.logs.silent(page.viewer, training.id, now) if training.counts.running else {}
    usage = page.context.usage.of(training.spec.run, tasks)
    pages = pages_of(training, tasks, role=role, page=at, silent=silent)
    shown = [task.key for one in pages for task in one.shown]
    tries = await page.context.trainings.tries_of(page.viewer, training.id, shown)
    groups = groups_of(training, pages, tries, axis=axis_of(training, now), silent=silent, usage=usage)
    live = training.counts.running > 0 and not training.state.ended
    measuring = await page.context.usage.measuring(page.viewer) if live else None
    return {
        "groups": groups,
        "measured": bool(usage) or (measuring is not None and measuring.sampled_at is not None),
        "unmeasured": measuring.problem if measuring else "",
        "usage_seconds": page.context.settings.usage_seconds,
        **await last_words(page, training, tasks),
    }


async def _event_values(page: Page, record: TrainingRecord, request: PageRequest) -> dict[str, Any]:
    found = await page.context.trainings.events(page.viewer, record.training.id, request)
    return {"events": found.items, "next_cursor": page.cursor(found.next)}
