"""What TaaS tells others about: kinds of notices, who wants them, and how the telling of each one goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.domain.topology import rfc3339
from app.domain.training import State, Training


class NoticeKind(StrEnum):
    """A kind of fact that is worth telling. Receivers must expect kinds that they do not know yet."""

    STARTED = "started"  # every required task runs
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"  # by a person, or replaced by a newer training
    TIMED_OUT = "timed_out"  # longer than it may run, or than it may wait for its tasks
    LATE = "late"  # a due training did not start within its tolerance
    OVERDUE = "overdue"  # a due training did not succeed by its deadline
    MISSED = "missed"  # a due time made no training
    SLOW = "slow"  # it runs longer than its project's trainings usually do
    SCHEDULE_PAUSED = "schedule_paused"  # TaaS paused it, such as after many failures in a row
    TEST = "test"  # somebody wants to see whether it arrives

    @property
    def type(self) -> str:
        """What a webhook's payload names it, such as `training.failed`."""
        return _TYPES.get(self, f"training.{self.value}")


_TYPES = {
    NoticeKind.LATE: "schedule.late",
    NoticeKind.OVERDUE: "schedule.overdue",
    NoticeKind.MISSED: "schedule.missed",
    NoticeKind.SCHEDULE_PAUSED: "schedule.paused",
    NoticeKind.TEST: "webhook.test",
}
CHOOSABLE = tuple(kind for kind in NoticeKind if kind is not NoticeKind.TEST)


class Channel(StrEnum):
    """How somebody is told."""

    WEBHOOK = "webhook"
    MAIL = "mail"


class Scope(StrEnum):
    """Whose trainings somebody is told about."""

    PROJECT = "project"  # of one project
    OWN = "own"  # of every project that the subscriber owns, those of tomorrow too
    ALL = "all"  # of every project; admins only


class DeliveryState(StrEnum):
    """How telling one subscriber of one notice goes."""

    PENDING = "pending"  # it will be tried, or tried again
    SENT = "sent"
    FAILED = "failed"  # given up; only a person has it tried again


@dataclass(frozen=True, slots=True)
class Subscription:
    """Somebody who wants to be told: `target` is a URL or an e-mail address. The secret is never part of it."""

    id: UUID
    channel: Channel
    owner_id: UUID
    owner: str
    scope: Scope
    project_id: UUID | None
    project: str | None
    kinds: tuple[NoticeKind, ...]
    target: str
    description: str
    created_at: datetime
    updated_at: datetime
    old_secret_until: datetime | None = None  # while rotating: messages carry two signatures until then
    disabled_at: datetime | None = None
    disabled_reason: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """One fact to tell. `message`, in its data, is for people and never sent to a webhook."""

    id: UUID
    kind: NoticeKind
    project_id: UUID | None
    training_id: UUID | None
    data: Mapping[str, Any]
    at: datetime

    @property
    def event_id(self) -> str:
        """The same in every try and for every receiver: by it a receiver knows what it has seen before."""
        return f"evt_{self.id.hex}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice on its way to one subscriber. `answer` is the beginning of what came back."""

    notice: Notice
    subscription_id: UUID
    state: DeliveryState
    tries: int
    due_at: datetime
    tried_at: datetime | None
    status: int | None
    answer: str
    problem: str


def kind_of_change(before: State, after: State) -> NoticeKind | None:
    """What a change of a training's state is worth telling as; None for nothing."""
    return _OF_STATE.get(after) if after is not before else None


def training_data(training: Training) -> dict[str, Any]:
    """What a notice says of a training besides its ids."""
    due = training.spec.scheduled_for
    return {
        "project": training.project,
        "number": training.number,
        "state": training.state.value,
        "reason": training.reason.value if training.reason else None,
        "trigger": training.trigger.value,
        "scheduled_for": rfc3339(due) if due else None,
        "message": training.message,
    }


_OF_STATE = {
    State.RUNNING: NoticeKind.STARTED,
    State.SUCCEEDED: NoticeKind.SUCCEEDED,
    State.FAILED: NoticeKind.FAILED,
    State.STOPPED: NoticeKind.STOPPED,
    State.TIMED_OUT: NoticeKind.TIMED_OUT,
}
