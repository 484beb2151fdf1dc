"""Which pauses the rows of due times name."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import schedule_changes
from app.domain.pauses import Spell, named
from app.domain.timed import ScheduleState


async def pauses_of(connection: AsyncConnection, states: Sequence[ScheduleState]) -> dict[UUID, list[Spell]]:
    """By project; hardly any schedule that is due has such a pause, and then nothing is asked of the database."""
    by_row = {state.project_id: spell for state in states if (spell := state.open_spell) is not None}
    if not by_row:
        return {}
    found = await schedule_changes.spells(connection, list(by_row))
    return {project_id: named(found.get(project_id, []), row) for project_id, row in by_row.items()}
