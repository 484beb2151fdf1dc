"""What was found in logs, with what stands around it and the way to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from markupsafe import Markup

from app.domain.log import LogInfo
from app.domain.log_levels import Level
from app.domain.log_search import CONTEXT_MAX, PATTERN_MAX, FoundLine, LogFinds, LogHit, LogQuery, key_of, place_of
from app.errors import InvalidInput
from app.services.log_choice import LogRemoved
from app.ui.ansi import to_html
from app.ui.page import Shown
from app.ui.routes.logs import CONTEXTS, LEVELS, keys_of, which_of
from app.ui.routes.trainings import head_values

router = APIRouter()

HITS = 100


@dataclass(frozen=True, slots=True)
class ShownLine:
    """`number` counts from 1; `hit` is false for what stands around one."""

    number: int
    html: Markup
    hit: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one log that are close together."""

    log: LogInfo
    lines: list[ShownLine]
    first_hit: int
    at: datetime


@router.get("/trainings/{training_id}/logs/search")
async def search_page(
    page: Shown,
    training_id: UUID,
    pattern: Annotated[str, Query(max_length=4 * PATTERN_MAX)] = "",
    case: str = "",
    level: str = "",
    context: Annotated[int, Query(ge=0, le=CONTEXT_MAX)] = 2,
    task: Annotated[str, Query(max_length=80)] = "",
    attempt: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
) -> Response:
    record = await page.context.trainings.get(page.viewer, training_id)
    query = LogQuery(pattern, not case, Level(level) if level in set(Level) else None, context, HITS)
    after = place_of(page.paged().after)
    finds, errors, removed = LogFinds((), None, 0), {}, False
    try:
        finds = await page.context.log_search.search(
            page.viewer, training_id, which_of(task, attempt, record), query, after=after
        )
    except LogRemoved:
        removed = True
    except InvalidInput as exc:
        if not exc.errors or exc.errors[0].pointer != "/pattern":
            raise
        errors = {"/pattern": exc.detail}
    place = finds.next
    values = await head_values(page, record, tab="/logs") | {
        "pattern": pattern,
        "case": case,
        "level": level,
        "levels": LEVELS,
        "around": context,
        "contexts": CONTEXTS,
        "task": task,
        "attempt": attempt,
        "tasks": [str(key) for key in keys_of(record)],
        "groups": _groups(finds),
        "hits": len(finds.hits),
        "searched": finds.searched,
        "next_cursor": page.cursor(key_of(place)),
        "errors": errors,
        "removed": removed,
        "search_max": PATTERN_MAX,
    }
    return page.show("training_log_search", values, 422 if errors else 200)


def _groups(finds: LogFinds) -> list[Group]:
    """Hits whose surroundings meet or overlap become one group; no line is shown twice."""
    groups: list[Group] = []
    for hit in finds.hits:
        last = groups[-1] if groups and groups[-1].log is hit.log else None
        begins = (hit.before or (hit.line,))[0].number
        if last is None or begins > last.lines[-1].number:
            groups.append(Group(hit.log, [], hit.line.number + 1, datetime.fromtimestamp(hit.line.at_ms / 1000, UTC)))
        _add(groups[-1], hit)
    return groups


def _add(group: Group, hit: LogHit) -> None:
    for line in (*hit.before, hit.line, *hit.after):
        is_hit = line is hit.line
        known = next((at for at, shown in enumerate(group.lines) if shown.number == line.number + 1), None)
        if known is None:
            group.lines.append(_shown(line, hit=is_hit))
        elif is_hit:
            group.lines[known] = _shown(line, hit=True)


def _shown(line: FoundLine, *, hit: bool) -> ShownLine:
    return ShownLine(line.number + 1, to_html(line.data)[0], hit)
