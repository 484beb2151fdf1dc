"""What becomes of due times: each one starts a training, waits for one, or gets a row that says why not.

Pure: the caller gives what is due and what the project has, and carries out the answers in their order. It locks the
project before it looks, so that nobody decides about the same due time beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from app.domain import due_sentences as words
from app.domain.pauses import Spell, spell_at
from app.domain.schedule import CatchUp, Overlap, Schedule
from app.domain.training import State

ON_TIME = timedelta(minutes=5)
"""The newest due time is not called missed when it is handled this late: a worker may be restarted meanwhile."""


class Sight(StrEnum):
    """What a worker knows of the trainings that a rule of overlap binds."""

    CLEAR = "clear"
    CATCHING_UP = "catching_up"
    """It has begun a moment ago: one that is due to be looked at may have ended meanwhile."""
    BLIND = "blind"
    """It does not see the cluster yet: any of them may have ended."""


class Verdict(StrEnum):
    """What becomes of a due time."""

    START = "start"
    REPLACE = "replace"
    """A training is made; it starts when those in `replaces`, which are to be stopped, are proven gone."""
    QUEUE = "queue"
    """A training is made; it starts when every earlier one of the project has ended."""
    SKIPPED = "skipped"
    MISSED = "missed"
    QUEUE_FULL = "queue_full"

    @property
    def makes_training(self) -> bool:
        """Whether a training comes of it; else a row says why not."""
        return self in (Verdict.START, Verdict.REPLACE, Verdict.QUEUE)


class Cause(StrEnum):
    """Why a due time made no training."""

    STILL_ACTIVE = "still_active"
    NEWER_DUE = "newer_due"
    QUEUE_FULL = "queue_full"
    NO_CATCH_UP = "no_catch_up"
    NOT_THE_LATEST = "not_the_latest"
    OVER_LIMIT = "over_limit"
    TOO_OLD = "too_old"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Active:
    """A training of the project that has not ended, or whose pods are not proven gone; `state` QUEUED: it waits."""

    id: UUID
    number: int
    state: State


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause of the schedule: from `since` up to (not with) `until`, which is None while it lasts.

    `catch_up` is what the person who ended it asked for: by itself the end of a pause starts nothing old.
    """

    since: datetime
    until: datetime | None = None
    catch_up: CatchUp = CatchUp.SKIP

    def covers(self, due: datetime) -> bool:
        """Whether `due` fell into it."""
        return self.since <= due and (self.until is None or due < self.until)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one due time. `message` is a sentence for the row; empty for a plain start.

    `replaces` has every active training, oldest first; the last one is what the records link to.
    """

    due: datetime
    verdict: Verdict
    cause: Cause | None = None
    replaces: tuple[UUID, ...] = ()
    message: str = ""


def plan(
    schedule: Schedule,
    due: Sequence[datetime],
    now: datetime,
    active: Sequence[Active],
    *,
    pause: Pause | None = None,
    spells: Sequence[Spell] = (),
    later: int = 0,
) -> list[Outcome]:
    """Exactly one outcome for each time in `due` (rising, not after `now`), in that order.

    `active` are the trainings that the overlap rule binds (not retries or backfills), oldest first. When there are
    too many due times for one transaction, `due` holds the first ones and `later` says how many more there are up to
    `now`; more than `catch_up_limit` need not be counted. `pause` is the latest pause; with one that lasts, nothing
    starts. `spells` are the pauses by their history, which the rows name.
    """
    outcomes: list[Outcome] = []
    kept: list[datetime] = []
    for place, moment in enumerate(due):
        newer = len(due) - 1 - place + later
        lost = _lost(schedule, moment, now, newer, pause, spells)
        if lost is None:
            kept.append(moment)
        else:
            outcomes.append(lost)
    outcomes += _overlapping(schedule, kept, active)
    return sorted(outcomes, key=lambda outcome: outcome.due)


def start_beside(schedule: Schedule, when: datetime, active: Sequence[Active]) -> Outcome:
    """What a start at `when` by a person or a hook does under the project's overlap rule: as if it were due then."""
    return _overlapping(schedule, [when], active)[0]


def failed_too_often(schedule: Schedule, ends: Sequence[State]) -> bool:
    """Whether the schedule stops by itself. `ends` are its trainings' end states, newest first."""
    limit = schedule.stop_after_failures
    return limit is not None and failures_in_row(ends) >= limit


def failures_in_row(ends: Sequence[State]) -> int:
    """How many have failed since one succeeded. What people or newer trainings stopped counts neither way."""
    judged = [state for state in ends if state is not State.STOPPED]
    return judged.index(State.SUCCEEDED) if State.SUCCEEDED in judged else len(judged)


def _lost(
    schedule: Schedule, due: datetime, now: datetime, newer: int, pause: Pause | None, spells: Sequence[Spell]
) -> Outcome | None:
    """Why it is not made up for; None when it is on time, or is to be made up for."""
    paused = pause is not None and pause.covers(due)
    spell = spell_at(spells, due)
    if pause is not None and pause.until is None:
        return _missed(due, Cause.PAUSED, _in_pause(spell))
    if not paused and newer == 0 and now - due <= ON_TIME:
        return None
    policy = pause.catch_up if pause is not None and paused else schedule.catch_up
    if policy is CatchUp.SKIP:
        if paused:
            return _missed(due, Cause.PAUSED, _in_pause(spell))
        return _missed(due, Cause.NO_CATCH_UP, words.missed_without_catch_up())
    if policy is CatchUp.LATEST and newer:
        return _missed(due, Cause.NOT_THE_LATEST, words.missed_before_the_latest(spell))
    if policy is CatchUp.ALL and newer >= schedule.catch_up_limit:
        return _missed(due, Cause.OVER_LIMIT, words.missed_over_limit(schedule.catch_up_limit, spell))
    if now - due > schedule.catch_up_window:
        return _missed(due, Cause.TOO_OLD, words.missed_too_long_ago(schedule.catch_up_window, spell))
    return None


def _in_pause(spell: Spell | None) -> str:
    """Without a spell it was due between two pauses, the second of which came before anything was done about it."""
    return words.missed_in_pause(spell) if spell else words.missed_before_pause()


def _missed(due: datetime, cause: Cause, message: str) -> Outcome:
    return Outcome(due, Verdict.MISSED, cause, message=message)


def _overlapping(schedule: Schedule, due: Sequence[datetime], active: Sequence[Active]) -> list[Outcome]:
    match schedule.overlap:
        case Overlap.ALLOW:
            return [Outcome(moment, Verdict.START) for moment in due]
        case Overlap.QUEUE:
            return _queued(schedule, due, active)
        case Overlap.REPLACE:
            return _replacing(due, active)
        case Overlap.SKIP:
            return _skipping(due, active)


def _replacing(due: Sequence[datetime], active: Sequence[Active]) -> list[Outcome]:
    """Of several at the same moment only the newest starts: it would replace the others at once."""
    if not due:
        return []
    *older, newest = due
    outcomes = [
        Outcome(moment, Verdict.SKIPPED, Cause.NEWER_DUE, message=words.skipped_for_newer()) for moment in older
    ]
    if not active:
        return [*outcomes, Outcome(newest, Verdict.START)]
    message = words.replacing([other.number for other in active])
    return [*outcomes, Outcome(newest, Verdict.REPLACE, None, tuple(other.id for other in active), message)]


def _skipping(due: Sequence[datetime], active: Sequence[Active]) -> list[Outcome]:
    """Of several at the same moment the oldest starts."""
    outcomes = [] if active else [Outcome(moment, Verdict.START) for moment in due[:1]]
    message = words.skipped_while_active(active[-1].number if active else None)
    for moment in due[len(outcomes) :]:
        outcomes.append(Outcome(moment, Verdict.SKIPPED, Cause.STILL_ACTIVE, message=message))
    return outcomes


def _queued(schedule: Schedule, due: Sequence[datetime], active: Sequence[Active]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    busy = bool(active)
    waiting = sum(other.state is State.QUEUED for other in active)
    for moment in due:
        if not busy:
            outcomes.append(Outcome(moment, Verdict.START))
            busy = True
        elif waiting < schedule.queue_limit:
            waiting += 1
            outcomes.append(Outcome(moment, Verdict.QUEUE, message=words.queued_behind(waiting)))
        else:
            message = words.queue_full(schedule.queue_limit)
            outcomes.append(Outcome(moment, Verdict.QUEUE_FULL, Cause.QUEUE_FULL, message=message))
    return outcomes
