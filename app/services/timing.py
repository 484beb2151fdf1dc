"""A project's schedule is set, changed or taken away: what is due next is computed anew, and nothing old is fired."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import due_times, schedule_changes, schedules
from app.domain import due_sentences
from app.domain.backlog import next_slice
from app.domain.firing import Cause
from app.domain.pauses import Spell, spell_at
from app.domain.project import Timing
from app.domain.schedule import Schedule, anchor_after, next_due
from app.domain.timed import DueOutcome, DueTime, PausedBy, ScheduleState
from app.services.pauses import pauses_of


async def set_schedule(
    connection: AsyncConnection,
    project_id: UUID,
    *,
    before: Schedule | None,
    after: Schedule | None,
    paused_by: str | None = None,
) -> Timing | None:
    """Follow a change of the project, whose row the caller holds. A pause lasts; who is not timed any more has none.

    What was due under the old schedule and not handled yet gets its rows. A new one starts paused with `paused_by`.
    """
    state = await schedules.get(connection, project_id, lock=True)
    now = await schedules.database_now(connection)
    if state is not None and before is not None:
        await _close(connection, state, before, now)
    if after is None:
        await schedules.remove(connection, project_id)
        return None
    new = state is None
    anchor = anchor_after(before, after, state.anchor if state else None, now)
    state = state or _new(project_id, now, paused_by)
    next_at = None if state.paused else next_due(after, now, anchor)
    state = replace(state, next_at=next_at, handled_until=now, anchor=anchor)
    await schedules.put(connection, state)
    if new and paused_by is not None:
        await schedule_changes.paused(connection, project_id, by=paused_by, message=due_sentences.begins_paused())
    return timing_of(state)


def timing_of(state: ScheduleState) -> Timing:
    """What readers of the project see of it."""
    if not state.paused:
        return Timing(state.next_at)
    return Timing(None, state.paused_at, state.paused_by, state.paused_reason)


def _new(project_id: UUID, now: datetime, paused_by: str | None) -> ScheduleState:
    state = ScheduleState(project_id, None, now, now)
    if paused_by is None:
        return state
    return replace(state, paused_at=now, paused_by=paused_by, paused_reason=PausedBy.PERSON)


async def _close(connection: AsyncConnection, state: ScheduleState, schedule: Schedule, now: datetime) -> None:
    after = state.handled_until
    spells = (await pauses_of(connection, [state])).get(state.project_id, ())
    while True:
        taken = next_slice(schedule, after, now, state.anchor)
        if not taken.due:
            return
        after = taken.due[-1]
        rows = [_closed(state.project_id, moment, spell_at(spells, moment), taken.folded) for moment in taken.due]
        await due_times.add(connection, rows)


def _closed(project_id: UUID, due: datetime, spell: Spell | None, folded: int) -> DueTime:
    """The row of a time that was due under the old schedule and is not handled."""
    message = due_sentences.missed_in_pause(spell) if spell else due_sentences.missed_by_change()
    cause = Cause.PAUSED if spell else None
    words = due_sentences.folded(message, folded) if folded else message
    return DueTime(project_id, due, DueOutcome.MISSED, cause, words, folded=folded)
