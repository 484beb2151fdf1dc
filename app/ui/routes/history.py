"""The history of a project: who changed which field from what to what, who paused its schedule and resumed it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import TypeAdapter

from app.domain.schedule import CatchUp
from app.domain.timed import ScheduleChange, Switch
from app.errors import NotFound
from app.services.revisions import Edit
from app.ui.filters import duration
from app.ui.page import Page, Shown

router = APIRouter()

Name = Annotated[str, Path(max_length=63)]
EDITS = 20
SPANS = {
    "max_duration", "pending_timeout", "keep_namespace", "stop_grace",
    "interval", "catch_up_window", "start_tolerance", "succeed_within",
}  # fmt: skip
_SPAN = TypeAdapter(timedelta)
VALUE_MAX = 2_000
"""Characters of a value that are shown; all of it is in the API's answer."""
_MADE_UP_FOR = {
    CatchUp.SKIP: "What was due meanwhile was left out.",
    CatchUp.LATEST: "The latest of what was due meanwhile was made up for.",
    CatchUp.ALL: "What was due meanwhile was made up for, as the schedule catches up.",
}


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A field as people say it, and both values as text; None where there was or is none."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class EditRow:
    """An edit. `changes` None: the first on record."""

    number: int
    at: datetime
    by: str | None
    changes: tuple[ChangeRow, ...] | None


@dataclass(frozen=True, slots=True)
class SwitchRow:
    """A pause of the schedule or the end of one."""

    at: datetime
    by: str
    paused: bool
    words: str


@router.get("/projects/{name}/history")
async def history_page(page: Shown, name: Name) -> Response:
    project = await page.context.projects.get(page.viewer, name)
    request = page.paged(EDITS)
    found = await page.context.revisions.page(page.viewer, name, request)
    oldest = found.items[-1].revision.at if found.items and found.next is not None else None
    newer = await _newer(page, name, found.items[0].revision.number) if found.items and request.after else None
    switches, all_of_them = await page.context.schedules.changes_between(page.viewer, name, oldest, newer)
    rows: list[EditRow | SwitchRow] = [*map(_row, found.items), *map(_switch, switches)]
    values = {
        "project": project,
        "rows": sorted(rows, key=lambda row: row.at, reverse=True),
        "more_switches": not all_of_them,
        "next_cursor": page.cursor(found.next),
    }
    return page.show("history", values)


async def _newer(page: Page, name: str, number: int) -> datetime | None:
    """When the revision after this one was saved, which the page before ends with."""
    try:
        return (await page.context.revisions.get(page.viewer, name, number + 1)).revision.at
    except NotFound:
        return None


def _switch(change: ScheduleChange) -> SwitchRow:
    if change.change is Switch.PAUSED:
        return SwitchRow(change.at, change.by, True, change.message)
    return SwitchRow(change.at, change.by, False, _MADE_UP_FOR[change.catch_up or CatchUp.SKIP])


def _row(edit: Edit) -> EditRow:
    changes = edit.changes
    rows = tuple(
        ChangeRow(_words(one.field), _text(one.field, one.before), _text(one.field, one.after)) for one in changes or ()
    )
    return EditRow(edit.revision.number, edit.revision.at, edit.revision.by, rows if changes is not None else None)


def _words(pointer: str) -> str:
    """`/roles/worker/count` as `roles › worker › count`."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    return " › ".join(parts)


def _text(field: str, value: Any) -> str | None:
    if value is None:
        return None
    if field.rpartition("/")[2] in SPANS:
        return duration(_SPAN.validate_python(value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=None)
    return text if len(text) <= VALUE_MAX else f"{text[:VALUE_MAX]}…"
