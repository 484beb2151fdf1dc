"""When a schedule was paused, as its history has it.

A schedule's own row knows only its latest pause, and widens that one over an earlier pause whose due times are not
handled yet: enough to decide by, not enough to say what was so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Spell:
    """From `since` up to (not with) `until`, which is None while it lasts; who paused, and who ended it, if known."""

    since: datetime
    until: datetime | None
    by: str
    ended_by: str | None = None

    def covers(self, moment: datetime) -> bool:
        """Whether `moment` fell into it."""
        return self.since <= moment and (self.until is None or moment < self.until)


def named(spells: Sequence[Spell], row: Spell) -> list[Spell]:
    """The pauses that due times are told of: `spells` by the history, unless the schedule's `row` says as much.

    Of a single one the row is the better witness: a pause because of failures begins with the due time that it stops, a
    moment before it is written down, and pauses of long ago may have no history.
    """
    if len(spells) > 1:
        return list(spells)
    return [replace(row, ended_by=spell.ended_by) for spell in spells] or [row]


def spell_at(spells: Sequence[Spell], moment: datetime) -> Spell | None:
    """The one that `moment` fell into."""
    return next((spell for spell in spells if spell.covers(moment)), None)
