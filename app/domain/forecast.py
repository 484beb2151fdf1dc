"""What the overlap rule will lead to, told from how long the last trainings took and when the next ones are due.

The coming due times are played through with the median duration, in the memory of one call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from app.domain.schedule import HORIZON, Overlap, Schedule, due_between
from app.domain.sentences import duration

ENOUGH = 3
"""With fewer ended trainings nothing is forecast."""

_PLAYED = 300
_DAY = timedelta(days=1)
_WORDS = ("", "", "", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True, slots=True)
class Played:
    """How the coming due times went when each training took the median: `days` is the time that they cover."""

    days: float
    due: int
    ended: int
    cut_short: int
    skipped: int
    waiting: int
    at_once: int
    full_after: timedelta | None


def forecast(schedule: Schedule, took: Sequence[timedelta], now: datetime, anchor: datetime) -> list[str]:
    """Sentences for the page; none when there is too little history or nothing is due.

    `took` is how long the last trainings that succeeded were active, newest first.
    """
    due = due_between(schedule, now, HORIZON, anchor, _PLAYED)
    if len(took) < ENOUGH or len(due) < 2:
        return []
    usual, long = percentile(took, 0.5), percentile(took, 0.95)
    shortest = min(after - before for before, after in pairwise(due))
    history = f"The last {_number(len(took))} runs took {duration(_rounded(usual))} in the median"
    beyond = sum(one > shortest for one in took)
    if not beyond:
        return [
            f"{history} and at most {duration(_rounded(max(took)))}, and due times are at least {duration(shortest)} "
            "apart: no run should meet the next one."
        ]
    if usual <= shortest:
        return [
            f"{history}, but {beyond} of them took longer than the {duration(shortest)} between due times "
            f"(95 % ended within {duration(_rounded(long))}). {_now_and_then(schedule.overlap)}"
        ]
    return [f"{history}; with a period of {duration(shortest)} and {_always(schedule, play(schedule, due, usual))}"]


def percentile(took: Sequence[timedelta], share: float) -> timedelta:
    """The shortest of `took` (not empty) within which at least that share of them ended; the median lies between two.

    Raises ValueError for no durations at all.
    """
    if not took:
        raise ValueError("there are no durations")
    ordered = sorted(took)
    if share == 0.5 and len(ordered) % 2 == 0:
        return (ordered[len(ordered) // 2 - 1] + ordered[len(ordered) // 2]) / 2
    place = -int(-share * len(ordered) // 1)  # rounded up
    return ordered[max(place, 1) - 1]


def play(schedule: Schedule, due: Sequence[datetime], takes: timedelta) -> Played:
    """Play `due` (at least two, rising) through when every training takes `takes`."""
    ends: list[datetime] = []  # of those active, in order; for queue also of those that wait
    ended = cut = skipped = most = waiting = 0
    full_at: datetime | None = None
    for moment in due:
        ended += sum(end <= moment for end in ends)
        ends = [end for end in ends if end > moment]
        if not ends or schedule.overlap is Overlap.ALLOW:
            ends.append(moment + takes)
        elif schedule.overlap is Overlap.REPLACE:
            cut += 1
            ends = [moment + takes]
        elif schedule.overlap is Overlap.QUEUE and len(ends) <= schedule.queue_limit:
            ends.append(ends[-1] + takes)
        else:
            full_at = full_at or moment
            skipped += 1
        most = max(most, len(ends))
        waiting = max(waiting, len(ends) - 1)
    return Played(
        days=(due[-1] - due[0]) / _DAY,
        due=len(due),
        ended=ended,
        cut_short=cut,
        skipped=skipped,
        waiting=waiting,
        at_once=most,
        full_after=full_at - due[0] if full_at else None,
    )


def _always(schedule: Schedule, played: Played) -> str:
    match schedule.overlap:
        case Overlap.REPLACE:
            if not played.ended:
                return "`replace`, every run would be killed before its end."
            return f"`replace`, {played.cut_short} of the next {played.due} runs would be killed before their end."
        case Overlap.SKIP:
            return f"`skip`, {_a_day(played.skipped, played)} would be skipped."
        case Overlap.ALLOW:
            return f"`allow`, up to {played.at_once} runs would be active at the same time."
        case Overlap.QUEUE:
            if played.full_after is None:
                return f"`queue`, up to {played.waiting} runs would wait at the same time."
            return (
                f"`queue`, {_growing(schedule.queue_limit, played.full_after)} until all {schedule.queue_limit} places "
                f"are taken after {duration(_rounded(played.full_after))}; from then on {_a_day_when_full(played)} "
                "would start nothing."
            )


def _now_and_then(overlap: Overlap) -> str:
    return {
        Overlap.REPLACE: "Such a run would be killed by the next.",
        Overlap.SKIP: "During such a run due times are skipped.",
        Overlap.ALLOW: "Such a run would share the cluster with the next.",
        Overlap.QUEUE: "After such a run the next starts late.",
    }[overlap]


def _a_day(count: int, played: Played) -> str:
    a_day, all_a_day = count / played.days, played.due / played.days
    if a_day >= 1:
        return f"about {round(a_day)} of the {round(all_a_day)} due times a day"
    return f"{count} of the next {played.due} due times"


def _a_day_when_full(played: Played) -> str:
    """As `_a_day`, counted from when the queue is full."""
    full = played.full_after or timedelta()
    share = 1 - full / _DAY / played.days
    rest = replace(played, days=played.days * share, due=round(played.due * share))
    return _a_day(played.skipped, rest)


def _growing(places: int, full_after: timedelta) -> str:
    a_day = round(places / (full_after / _DAY))
    return f"about {a_day} more would wait each day" if a_day else "more and more would wait"


def _rounded(span: timedelta) -> timedelta:
    """To minutes from ten minutes on, else to seconds."""
    unit = timedelta(minutes=1) if span >= timedelta(minutes=10) else timedelta(seconds=1)
    return max(round(span / unit), 1) * unit


def _number(count: int) -> str:
    return _WORDS[count] if count < len(_WORDS) else str(count)
