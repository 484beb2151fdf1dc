"""What `decide` answers: the new status, what to do in the cluster, and when to look again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.domain.actions import Action
from app.domain.tasks import TaskStatus
from app.domain.training import NamespaceState, Reason, State, Training


@dataclass(frozen=True, slots=True)
class Policy:
    """The patience of this installation."""

    evaluator_grace: timedelta = timedelta(minutes=5)
    node_lost_after: timedelta = timedelta(minutes=2)
    image_patience: timedelta = timedelta(minutes=2)  # a registry may have a bad minute
    absent_image_patience: timedelta = timedelta(seconds=20)  # it says that there is no such image
    refusal_patience: timedelta = timedelta(seconds=30)  # quota and admission
    force_after: timedelta = timedelta(seconds=30)  # a pod that is still there so long after its grace period …
    force_after_busy: timedelta = timedelta(minutes=5)  # … and on a node that answers, which has only much to do
    settle: timedelta = timedelta(seconds=2)  # the success of others may be on its way while a task fails
    most_disruptions: int = 5  # of one task
    idle_look: timedelta = timedelta(minutes=1)  # how often to look when nothing is due
    unfresh_look: timedelta = timedelta(seconds=2)  # while the watches are cut
    queue_look: timedelta = timedelta(minutes=10)  # whoever ends wakes the next one; this is in case that is lost
    stuck_look: timedelta = timedelta(seconds=15)  # how often to repeat what should have worked
    archive_look: timedelta = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class End:
    """Why it is over, and the sentence that says so."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Status:
    """The status columns of a training's row."""

    state: State
    reason: Reason | None
    message: str
    namespace: str | None
    namespace_uid: str | None
    namespace_state: NamespaceState
    namespace_message: str
    starting_at: datetime | None
    started_at: datetime | None
    stopping_at: datetime | None
    finished_at: datetime | None
    archived_at: datetime | None

    @classmethod
    def of(cls, training: Training) -> Status:
        return cls(
            state=training.state,
            reason=training.reason,
            message=training.message,
            namespace=training.namespace,
            namespace_uid=training.namespace_uid,
            namespace_state=training.namespace_state,
            namespace_message=training.namespace_message,
            starting_at=training.starting_at,
            started_at=training.started_at,
            stopping_at=training.stopping_at,
            finished_at=training.finished_at,
            archived_at=training.archived_at,
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """The status to write first, and only then the actions to do.

    With `needs_slot` the status may only be written while fewer trainings run than may; else it goes on waiting.
    `wake_at` None: nothing is left to do for this training, ever.
    """

    status: Status
    wake_at: datetime | None
    actions: tuple[Action, ...] = ()
    tasks: tuple[TaskStatus, ...] = field(default=())
    needs_slot: bool = False


class Horizon:
    """Compares moments with `now` and remembers the nearest one still to come: that is when to look again."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._next: list[datetime] = []

    def passed(self, moment: datetime | None) -> bool:
        """Whether `moment` has come; one that has not is remembered. None never comes."""
        if moment is None:
            return False
        if moment <= self.now:
            return True
        self._next.append(moment)
        return False

    def look_in(self, wait: timedelta) -> None:
        """Look again after that time at the latest."""
        self._next.append(self.now + wait)

    @property
    def next(self) -> datetime | None:
        """The nearest moment at which something may change by itself."""
        return min(self._next, default=None)
