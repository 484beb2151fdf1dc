"""What the overlap rule will lead to, told from how long the last trainings took and when the next ones are due.

The coming due times are played through with the median duration, in the memory of one call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    """How the coming due times went when each training took the median.

    `days` is the time that they cover. `full_after` is when no more may wait, be it after that time; None: never.
    `too_many_a_day` due times start nothing from then on.
    """

    days: float
    due: int
    ended: int
    cut_short: int
    skipped: int
    waiting: int
    at_once: int
    full_after: timedelta | None
    too_many_a_day: float


def forecast(schedule: Schedule, took: Sequence[timedelta], now: datetime, anchor: datetime) -> list[str]:
    """Sentences for the page; none when there is too little history or nothing is due.

    `took` is how long the last trainings that succeeded were active, newest first.
    """
    due = due_between(schedule, now, HORIZON, anchor, _PLAYED)
    if len(took) < ENOUGH or len(due) < 2:
        return []
    usual, long = percentile(took, 0.5), percentile(took, 0.95)
    gaps = [after - before for before, after in pairwise(due)]
    shortest = min(gaps)
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
    often = f"a period of {duration(shortest)}"
    if max(gaps) >= 2 * shortest:
        often = f"as little as {duration(shortest)} between due times"
    return [f"{history}; with {often} and {_always(schedule, play(schedule, due, usual))}"]


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
    covered = (due[-1] - due[0]) * len(due) / (len(due) - 1)  # with the time after the last of them
    full_after = full_at - due[0] if full_at else None
    beyond = len(due) - covered / takes  # so many more than can run in that time, one after the other
    growing = beyond >= 1
    if full_after is None and growing and schedule.overlap is Overlap.QUEUE:
        full_after = covered * (schedule.queue_limit / beyond)
    return Played(
        days=covered / _DAY,
        due=len(due),
        ended=ended,
        cut_short=cut,
        skipped=skipped,
        waiting=waiting,
        at_once=most,
        full_after=full_after,
        too_many_a_day=(beyond if growing else skipped) / (covered / _DAY),
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
                return f"`queue`, {_at_most_waiting(played.waiting)}."
            return (
                f"`queue`, {_filling(schedule.queue_limit, played.full_after)}; from then on "
                f"{_a_day(played.too_many_a_day * played.days, played)} would start nothing."
            )


def _now_and_then(overlap: Overlap) -> str:
    return {
        Overlap.REPLACE: "Such a run would be killed by the next.",
        Overlap.SKIP: "During such a run due times are skipped.",
        Overlap.ALLOW: "Such a run would share the cluster with the next.",
        Overlap.QUEUE: "After such a run the next starts late.",
    }[overlap]


def _a_day(count: float, played: Played) -> str:
    a_day, all_a_day = count / played.days, played.due / played.days
    if a_day >= 1:
        return f"about {round(a_day)} of the {round(all_a_day)} due times a day"
    return f"{round(count)} of the next {played.due} due times"


def _at_most_waiting(count: int) -> str:
    return "no more than one run would wait" if count == 1 else f"up to {count} runs would wait at the same time"


def _filling(places: int, full_after: timedelta) -> str:
    """How a queue fills; by the day only when that takes more than one."""
    taken = f"{'the only place is' if places == 1 else f'all {places} places are'} taken after {_about(full_after)}"
    if full_after <= _DAY:
        return taken
    a_day = round(places / (full_after / _DAY))
    return f"{f'about {a_day}' if a_day else 'more and'} more would wait each day until {taken}"


def _about(span: timedelta) -> str:
    return f"{round(span / _DAY):,} days" if span >= 2 * _DAY else duration(_rounded(span))


def _rounded(span: timedelta) -> timedelta:
    """To minutes from ten minutes on, else to seconds."""
    unit = timedelta(minutes=1) if span >= timedelta(minutes=10) else timedelta(seconds=1)
    return max(round(span / unit), 1) * unit


def _number(count: int) -> str:
    return _WORDS[count] if count < len(_WORDS) else str(count)
