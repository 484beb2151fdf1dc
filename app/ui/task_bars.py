"""When a task's tries waited and ran, as bars along the life of its training, and the same in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.domain.record import AttemptRecord
from app.domain.training import TaskState, Training

WIDTH = 200


@dataclass(frozen=True, slots=True)
class Bar:
    """From `x`, `width` wide, of WIDTH. `kind`: wait (for a node), prepare (volumes, network, image), run, good, bad or
    removed (neither)."""

    x: int
    width: int
    kind: str


@dataclass(frozen=True, slots=True)
class Axis:
    """What the bars are measured against: from when it left the queue until its end, or now."""

    begin: datetime
    end: datetime

    def place(self, moment: datetime) -> int:
        span = max((self.end - self.begin).total_seconds(), 1.0)
        return round(WIDTH * min(max((moment - self.begin).total_seconds() / span, 0.0), 1.0))


def axis_of(training: Training, now: datetime) -> Axis | None:
    """None while it has not left the queue."""
    return Axis(training.starting_at, training.finished_at or now) if training.starting_at else None


def bars_of(tries: Iterable[AttemptRecord], axis: Axis | None) -> list[Bar]:
    """Of each try: how long it waited from when its pod was made, and how long it ran."""
    bars: list[Bar] = []
    if axis is None:
        return bars
    for one in tries:
        end = one.finished_at or axis.end
        ran = one.started_at or end
        bars.append(_bar(axis, one.created_at, one.scheduled_at or ran, "wait"))
        if one.scheduled_at:
            bars.append(_bar(axis, one.scheduled_at, ran, "prepare"))
        if one.started_at:
            bars.append(_bar(axis, one.started_at, end, _kind(one)))
    return bars


def _bar(axis: Axis, since: datetime, until: datetime, kind: str) -> Bar:
    begin = axis.place(since)
    return Bar(begin, max(axis.place(until) - begin, 1), kind)


def _kind(one: AttemptRecord) -> str:
    if one.state == TaskState.REMOVED:
        return "removed"
    if one.finished_at is None:
        return "run"
    return "good" if one.exit_code == 0 else "bad"
