"""How a start meets the other trainings of its timed project: one rule for due times, hooks and people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import handovers, records
from app.db.handovers import Replacement
from app.domain import due_sentences
from app.domain.firing import Active, Outcome, Verdict, start_beside
from app.domain.project import Project
from app.domain.schedule import Overlap


@dataclass(frozen=True, slots=True)
class Handover:
    """What a start would do, and the trainings it was decided by."""

    outcome: Outcome
    active: tuple[Active, ...]

    def refusal(self, project: Project) -> str:
        """Why nothing is started, for the person who asked for it."""
        schedule = project.spec.schedule
        if self.outcome.verdict is Verdict.QUEUE_FULL and schedule is not None:
            return due_sentences.no_more_may_wait(project.name, schedule.queue_limit)
        return due_sentences.one_at_a_time(project.name, [other.number for other in self.active])

    def told(self, project: Project) -> Outcome:
        """The same, with a message that fits a start by a person."""
        if self.outcome.verdict.makes_training:
            return self.outcome
        return replace(self.outcome, message=self.refusal(project))


async def handover_of(connection: AsyncConnection, project: Project, now: datetime) -> Handover | None:
    """What a start of `project` does under its overlap rule; None when its trainings run beside each other.

    Who is going to start something holds the project's row.
    """
    schedule = project.spec.schedule
    if schedule is None or schedule.overlap is Overlap.ALLOW:
        return None
    active = (await handovers.active_of(connection, [project.id]))[project.id]
    return Handover(start_beside(schedule, now, active), tuple(active))


async def make_room(connection: AsyncConnection, wanted: Sequence[Replacement], *, by: str) -> None:
    """Ask those that are replaced to stop, link the records, and say so in theirs."""
    asked = await handovers.replace(connection, wanted, by=by)
    told = [(one.old, due_sentences.stop_for_newer()) for one in asked]
    await records.add_events(connection, told, reason="StopRequested")
