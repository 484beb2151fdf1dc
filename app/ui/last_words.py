"""The end of the log of the task that failed first: what most people look for on a record that went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from app.domain.record import TaskRecord
from app.domain.training import State, TaskState, Training
from app.errors import TaasError
from app.services.log_choice import Which
from app.ui.log_lines import LineWriter
from app.ui.page import Page

LINES = 12
_LATEST = datetime.max.replace(tzinfo=UTC)


async def last_words(page: Page, training: Training, tasks: Sequence[TaskRecord]) -> dict[str, Any]:
    """Values for `parts/last_words.html`; without a task where there is nothing to show."""
    failed = [task for task in tasks if task.state is TaskState.FAILED]
    if training.state is not State.FAILED or not failed:
        return {"last_task": None}
    first = min(failed, key=lambda task: task.finished_at or _LATEST)
    writer = LineWriter(None, zone=page.zone)
    try:
        slices = await page.context.logs.slices(page.viewer, training.id, Which(first.key), tail=LINES)
        lines = [line async for piece in slices for line in writer.lines([piece])] + writer.rest()
    except TaasError:
        lines = []  # the record is worth showing while the storage of logs is away
    return {"last_task": first if lines else None, "last_lines": Markup("").join(lines)}
