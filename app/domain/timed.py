"""What is kept of a timed project: where its schedule stands, and what became of each due time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.domain.firing import Cause, Outcome, Pause
from app.domain.pauses import Spell
from app.domain.schedule import CatchUp
from app.domain.training import Reason, State


class PausedBy(StrEnum):
    """Why a schedule is paused."""

    PERSON = "person"
    FAILURES = "failures"


class Switch(StrEnum):
    """What was done to a schedule apart from changing what it says."""

    PAUSED = "paused"
    RESUMED = "resumed"


class DueOutcome(StrEnum):
    """What became of a due time: a training, or the reason why there is none."""

    STARTED = "started"
    SKIPPED = "skipped"
    MISSED = "missed"
    QUEUE_FULL = "queue_full"
    REFUSED = "refused"

    @classmethod
    def of(cls, outcome: Outcome) -> DueOutcome:
        return cls.STARTED if outcome.verdict.makes_training else cls(outcome.verdict.value)


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """Where a schedule stands. `handled_until`: what was due up to then has its row; intervals count from `anchor`."""

    project_id: UUID
    next_at: datetime | None
    handled_until: datetime
    anchor: datetime
    paused_at: datetime | None = None
    paused_by: str | None = None
    paused_reason: PausedBy | None = None
    resumed_at: datetime | None = None
    pause_catch_up: CatchUp = CatchUp.SKIP
    failures_from: datetime | None = None

    @property
    def paused(self) -> bool:
        """Whether nothing is due until somebody resumes it."""
        return self.paused_at is not None and self.resumed_at is None

    @property
    def pause(self) -> Pause | None:
        """The latest pause, whether or not it lasts."""
        if self.paused_at is None:
            return None
        return Pause(self.paused_at, self.resumed_at, self.pause_catch_up)

    @property
    def open_spell(self) -> Spell | None:
        """The latest pause in words, when due times that are not handled yet may have fallen into it."""
        if self.paused_at is None or (self.resumed_at is not None and self.resumed_at <= self.handled_until):
            return None
        return Spell(self.paused_at, self.resumed_at, self.paused_by or "TaaS")


@dataclass(frozen=True, slots=True)
class ScheduleChange:
    """A pause, with its reason, or the end of one, with what was made up for then."""

    at: datetime
    by: str
    change: Switch
    reason: PausedBy | None = None
    catch_up: CatchUp | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class DueTime:
    """What became of a due time. `folded` older ones, missed as well, have no row of their own."""

    project_id: UUID
    due_at: datetime
    outcome: DueOutcome
    cause: Cause | None = None
    message: str = ""
    training_id: UUID | None = None
    folded: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """A line of a project's due times or of the calendar: when, and how it came out or will."""

    project: str
    at: datetime
    outcome: DueOutcome | None  # None: it is still to come, or nothing was due then
    cause: Cause | None = None
    message: str = ""
    folded: int = 0
    training_id: UUID | None = None
    number: int | None = None
    state: State | None = None
    reason: Reason | None = None
