"""Backfills: a range of the past trained as one thing, asked for on a timed project's page, watched and cancelled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.domain.access import Action, can
from app.domain.backfill import Backfill, BackfillState
from app.domain.paging import PageRequest
from app.domain.project import Project
from app.errors import InvalidInput
from app.services.freeze import LaunchRequest
from app.ui.commands import of_backfill
from app.ui.fields import Sent
from app.ui.live import Frame, frames
from app.ui.page import Page, Shown, field_errors, to
from app.ui.render import render
from app.ui.schedule_form import moment_of

router = APIRouter()

Name = Annotated[str, Path(max_length=63)]
AT_A_TIME = "2"


@router.get("/projects/{name}/backfills")
async def backfills_page(page: Shown, name: Name) -> Response:
    return await _show(page, name, {"from": "", "to": "", "concurrency": AT_A_TIME})


@router.post("/projects/{name}/backfills")
async def start_backfill(page: Shown, name: Name) -> Response:
    project = await page.context.projects.get(page.viewer, name)
    sent = Sent(await page.request.form(max_fields=20))
    try:
        backfill = await page.context.backfills.create(page.viewer, name, **_wanted(sent, project))
    except InvalidInput as exc:
        typed = {field: sent.raw(field) for field in ("from", "to", "concurrency")}
        return await _show(page, name, typed, field_errors(exc) or {"/from": exc.detail}, exc.status)
    return to(f"/backfills/{backfill.id}")


@router.get("/backfills/{backfill_id}")
async def backfill_page(page: Shown, backfill_id: UUID) -> Response:
    backfill = await page.context.backfills.get(page.viewer, backfill_id)
    found = await page.context.backfills.times(page.viewer, backfill_id, page.paged(100))
    values = {
        "backfill": backfill,
        "times": found.items,
        "next_cursor": page.cursor(found.next),
        "may_change": _may_change(page, backfill),
        "cursor": page.request.query_params.get("cursor", ""),
        "is_over": _over(backfill),
    }
    return page.show("backfill", values)


@router.get("/live/backfills/{backfill_id}", response_class=EventSourceResponse)
async def backfill_live(page: Shown, backfill_id: UUID) -> AsyncIterator[ServerSentEvent]:
    async def look() -> Frame:
        backfill = await page.context.backfills.get(page.viewer, backfill_id)
        found = await page.context.backfills.times(page.viewer, backfill_id, page.paged(100))
        values = {"backfill": backfill, "times": found.items, "may_change": _may_change(page, backfill)}
        parts = {
            "backfill-head": render("parts/backfill_head.html", values),
            "backfill-times": render("parts/backfill_times.html", values),
        }
        return Frame(parts, over=_over(backfill))

    async for message in frames(page, look, channel="trainings", also=("backfills", str(backfill_id))):
        yield message


@router.post("/backfills/{backfill_id}/cancel")
async def cancel_backfill(page: Shown, backfill_id: UUID) -> Response:
    await page.context.backfills.cancel(page.viewer, backfill_id)
    return to(f"/backfills/{backfill_id}")


def _may_change(page: Page, backfill: Backfill) -> bool:
    return can(page.viewer, Action.CHANGE, owner_id=backfill.owner_id)


def _over(backfill: Backfill) -> bool:
    return backfill.state is not BackfillState.RUNNING and not backfill.counts.active


async def latest_backfills(page: Page, project: Project) -> dict[str, Any]:
    """What a project's page shows of them: the last."""
    found = await page.context.backfills.page(page.viewer, project.name, PageRequest(1))
    return {"backfills": found.items}


def _wanted(sent: Sent, project: Project) -> dict[str, Any]:
    """The range, as clocks show it in the schedule's zone, and what of it cannot be read."""
    zone = project.spec.schedule.timezone if project.spec.schedule else "UTC"
    start, end = (moment_of(sent, field, f"/{field}", zone) for field in ("from", "to"))
    for field in ("from", "to"):
        if not sent.text(field):
            sent.wrong(f"/{field}", "Give a date and time.")
    concurrency = sent.integer("concurrency", "/concurrency", int(AT_A_TIME))
    return {
        "start": start,
        "end": end,
        "concurrency": concurrency,
        "request": LaunchRequest(),
        "unread": sent.errors,
    }


async def _show(
    page: Page, name: str, form: dict[str, str], errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    project = await page.context.projects.get(page.viewer, name)
    found = await page.context.backfills.page(page.viewer, name, page.paged())
    values = {
        "project": project,
        "schedule": project.spec.schedule,
        "backfills": found.items,
        "next_cursor": page.cursor(found.next),
        "form": form,
        "commands": of_backfill(page, name, page.context.clock()),
        "errors": errors or {},
        "may_change": can(page.viewer, Action.CHANGE, owner_id=project.owner_id),
    }
    return page.show("backfills", values, status)
