"""What a schedule would do, told before it does it."""

from __future__ import annotations

from dataclasses import dataclass

from app.db import durations, projects, schedules
from app.db.engine import Database
from app.domain.access import Principal
from app.domain.clock import Clock
from app.domain.forecast import forecast
from app.domain.project import Project
from app.domain.schedule import Schedule, anchor_after
from app.domain.schedule_preview import SchedulePreview, preview
from app.domain.validate_schedule import check_schedule
from app.errors import Conflict, InvalidInput
from app.services.projects import unknown_project

HISTORY = 10


@dataclass(frozen=True, slots=True)
class Told:
    """The preview and, where the project has a history, what follows from it."""

    preview: SchedulePreview
    forecast: tuple[str, ...] = ()


class SchedulePreviewService:
    """Previews for forms and pages; anybody who is logged in may ask."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def of_schedule(self, principal: Principal, schedule: Schedule) -> Told:
        """As if it were set now. Raises `InvalidInput` with every field that is wrong (pointers such as `/cron`)."""
        _check(schedule)
        now = self._clock()
        return Told(preview(schedule, now, now))

    async def of_project(self, principal: Principal, name: str, schedule: Schedule | None = None) -> Told:
        """The project's own schedule, or another one with the project's history.

        Raises `NotFound`; `Conflict` for a normal project when no schedule is given; `InvalidInput`.
        """
        if schedule is not None:
            _check(schedule)
        now = self._clock()
        async with self._database.read() as connection:
            project = await projects.by_name(connection, name)
            if project is None:
                raise unknown_project(name)
            state = await schedules.get(connection, project.id)
            took = await durations.latest(connection, project.id, HISTORY)
        shown = schedule or _own(project)
        anchor = anchor_after(project.spec.schedule, shown, state.anchor if state else None, now)
        return Told(preview(shown, now, anchor), tuple(forecast(shown, took, now, anchor)))


def _check(schedule: Schedule) -> None:
    errors = check_schedule(schedule, at="")
    if errors:
        raise InvalidInput.of(errors)


def _own(project: Project) -> Schedule:
    if project.spec.schedule is None:
        raise Conflict(f"{project.name} has no schedule: send one to see what it would do.")
    return project.spec.schedule
