"""The history of a project's settings: who changed which field from what to what."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response

from app.services.revisions import Edit
from app.ui.page import Shown

router = APIRouter()

Name = Annotated[str, Path(max_length=63)]
EDITS = 20
VALUE_MAX = 2_000
"""Characters of a value that are shown; all of it is in the API's answer."""


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


@router.get("/projects/{name}/history")
async def history_page(page: Shown, name: Name) -> Response:
    project = await page.context.projects.get(page.viewer, name)
    found = await page.context.revisions.page(page.viewer, name, page.paged(EDITS))
    values = {
        "project": project,
        "edits": [_row(edit) for edit in found.items],
        "next_cursor": page.cursor(found.next),
    }
    return page.show("history", values)


def _row(edit: Edit) -> EditRow:
    changes = edit.changes
    rows = tuple(ChangeRow(_words(one.field), _text(one.before), _text(one.after)) for one in changes or ())
    return EditRow(edit.revision.number, edit.revision.at, edit.revision.by, rows if changes is not None else None)


def _words(pointer: str) -> str:
    """`/roles/worker/count` as `roles › worker › count`."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    return " › ".join(parts)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=None)
    return text if len(text) <= VALUE_MAX else f"{text[:VALUE_MAX]}…"
