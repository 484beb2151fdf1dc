"""How much of what is due is handled in one go, so that a schedule that was down for long holds up nobody.

Each due time has a row of its own as long as there are not many more of them than `ROWS`. What lies before the newest
`ROWS` / 2 to `ROWS` is folded: one row speaks for up to `FOLD` due times that are missed by any catch-up rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domain.schedule import Schedule, due_between, next_due

CHUNK = 100
"""Due times of one schedule in one transaction."""
ROWS = 1_000
FOLD = 5_000


@dataclass(frozen=True, slots=True)
class Slice:
    """The next due times to handle, `later` ones after them, and the first one after these.

    `folded`: so many older ones are spoken for by the only one in `due`.
    """

    due: tuple[datetime, ...]
    later: int
    next_at: datetime | None
    folded: int = 0


def next_slice(schedule: Schedule, after: datetime, now: datetime, anchor: datetime) -> Slice:
    """What is due later than `after` and not later than `now`, or the first part of it."""
    due = due_between(schedule, after, now, anchor, CHUNK)
    following = next_due(schedule, due[-1] if due else after, anchor)
    if len(due) < CHUNK:
        return Slice(tuple(due), 0, following)
    later = len(due_between(schedule, due[-1], now, anchor, ROWS))
    if later < ROWS:
        return Slice(tuple(due), later, following)
    gone = due_between(schedule, after, _cut(schedule, now, after, anchor), anchor, FOLD)
    return Slice((gone[-1],), later, next_due(schedule, gone[-1], anchor), len(gone) - 1)


def _cut(schedule: Schedule, now: datetime, after: datetime, anchor: datetime) -> datetime:
    """A moment after which at most `ROWS` are due."""
    span = now - after
    while len(due_between(schedule, now - span, now, anchor, ROWS + 1)) > ROWS:
        span /= 2
    return now - span
