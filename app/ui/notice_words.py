"""Notices and their deliveries in words."""

from __future__ import annotations

from app.domain.notice import DeliveryState, NoticeKind, Scope, Subscription
from app.ui.words import Look


def kind_words(kind: NoticeKind) -> str:
    """A kind of notice, as one chooses it."""
    return _KINDS[kind]


def about_words(subscription: Subscription) -> str:
    """Whose trainings it is about."""
    if subscription.scope is Scope.PROJECT:
        return f"the project {subscription.project}"
    return "everybody's projects" if subscription.scope is Scope.ALL else f"all projects of {subscription.owner}"


def delivery_look(state: DeliveryState, tries: int) -> Look:
    """How a delivery goes; one that was tried in vain looks other than one that is new."""
    if state is DeliveryState.PENDING and tries:
        return Look("Will be tried again", icon="clock-x", tone="warn", live=True)
    return _DELIVERIES[state]


_KINDS = {
    NoticeKind.STARTED: "Started: all its tasks run",
    NoticeKind.SUCCEEDED: "Succeeded",
    NoticeKind.FAILED: "Failed",
    NoticeKind.STOPPED: "Stopped or replaced",
    NoticeKind.TIMED_OUT: "Timed out",
    NoticeKind.LATE: "Late: did not start in time",
    NoticeKind.OVERDUE: "Overdue: did not succeed in time",
    NoticeKind.MISSED: "Missed: a due time without a training",
    NoticeKind.SLOW: "Slow: runs longer than usual",
    NoticeKind.SCHEDULE_PAUSED: "Schedule paused by TaaS",
    NoticeKind.TEST: "Test",
}

_DELIVERIES = {
    DeliveryState.PENDING: Look("Waiting", icon="hourglass", tone="calm", live=True),
    DeliveryState.SENT: Look("Received", icon="circle-check", tone="good"),
    DeliveryState.FAILED: Look("Given up", icon="circle-x", tone="bad"),
}
