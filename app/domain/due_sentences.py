"""The sentences that a due time's row shows: why it started nothing, or what its training waits for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from app.domain.pauses import Spell
from app.domain.sentences import duration
from app.domain.topology import rfc3339


def missed_in_pause(spell: Spell) -> str:
    return f"{_paused(spell)}."


def missed_before_pause() -> str:
    return "Nothing could be started at that time, and the schedule was paused before it could be made up for."


def missed_without_catch_up() -> str:
    return "Nothing could be started at that time, and the project does not catch up (catch_up is skip)."


def missed_before_the_latest(spell: Spell | None) -> str:
    return f"{_nothing_started(spell)}; of several missed times only the latest is made up for."


def missed_over_limit(limit: int, spell: Spell | None) -> str:
    return f"{_nothing_started(spell)}; only the newest {limit} missed times are made up for."


def missed_too_long_ago(window: timedelta, spell: Spell | None) -> str:
    return f"{_nothing_started(spell)}, and it is longer ago than the {duration(window)} to catch up."


def skipped_for_newer() -> str:
    return "A newer due time would have replaced its training at once, so only the newer one started."


def skipped_while_active(number: int | None) -> str:
    other = "The training of an earlier due time" if number is None else f"Training #{number}"
    return f"{other} had not ended, and the project skips a due time then (overlap is skip)."


def replacing(numbers: Sequence[int]) -> str:
    which = ", ".join(f"#{number}" for number in numbers)
    return f"It replaces {which} and starts when nothing of {'it' if len(numbers) == 1 else 'them'} runs any more."


def queued_behind(place: int) -> str:
    return f"It waits for the training before it to end; it is number {place} of those that wait."


def queue_full(limit: int) -> str:
    return f"{limit} trainings of the project were waiting already, and no more may (queue_limit)."


def folded(message: str, older: int) -> str:
    return f"{message} {older:,} due times before it were missed too; this row speaks for them."


def paused_by_failures(times: int) -> str:
    which = "last training failed" if times == 1 else f"last {times} trainings failed, one after the other"
    return f"The schedule is paused: its {which}. See to the cause, then resume it."


def begins_paused() -> str:
    """Of a project that was made from another one."""
    return "It was made from another timed project and begins paused."


def stop_for_newer() -> str:
    return "A newer training of its timed project takes its place."


def missed_by_change() -> str:
    return "The schedule was changed before anything could be started for that time."


def one_at_a_time(project: str, numbers: Sequence[int]) -> str:
    return (
        f"{project} #{numbers[-1]} has not ended, and this timed project has one training at a time (overlap is "
        "skip): stop it first, or wait for its end."
    )


def no_more_may_wait(project: str, limit: int) -> str:
    return (
        f"{limit} trainings of {project} wait already, and no more may (queue_limit): wait until one has started, or "
        "stop one."
    )


def alarm(kind: str, project: str, number: int, limit: timedelta) -> str:
    """What is told of a due training that is not as it should be; `limit` is what it is over."""
    length = duration(max(limit, timedelta(seconds=1)))
    how = {
        "late": f"did not start within {length} after its due time",
        "overdue": f"has not succeeded within {length} after its due time",
        "slow": f"runs longer than 95 % of the project's trainings before it ({length})",
    }[kind]
    return f"{project} #{number} {how}."


def _nothing_started(spell: Spell | None) -> str:
    return _paused(spell) if spell else "Nothing could be started at that time"


def _paused(spell: Spell) -> str:
    since = rfc3339(spell.since.replace(microsecond=0))
    if spell.until is None:
        return f"The schedule was paused at {since} (by {spell.by}) and had not gone on"
    until = rfc3339(spell.until.replace(microsecond=0))
    if spell.by == spell.ended_by:
        return f"The schedule was paused from {since} to {until} (by {spell.by})"
    ended = f" (ended by {spell.ended_by})" if spell.ended_by else ""
    return f"The schedule was paused from {since} (by {spell.by}) to {until}{ended}"
