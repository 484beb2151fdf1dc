"""The sentences that a due time's row shows: why it started nothing, or what its training waits for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from app.domain.sentences import duration


def missed_in_pause() -> str:
    return "The schedule was paused."


def missed_without_catch_up() -> str:
    return "Nothing could be started at that time, and the project does not catch up (catch_up is skip)."


def missed_before_the_latest() -> str:
    return "Nothing could be started at that time; of several missed times only the latest is made up for."


def missed_over_limit(limit: int) -> str:
    return f"Nothing could be started at that time; only the newest {limit} missed times are made up for."


def missed_too_long_ago(window: timedelta) -> str:
    return f"Nothing could be started at that time, and it is longer ago than the {duration(window)} to catch up."


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


def alarm(kind: str, project: str, number: int) -> str:
    """What is told of a due training that is not as it should be."""
    how = {
        "late": "did not start within the tolerance after its due time",
        "overdue": "has not succeeded by its deadline",
        "slow": "runs longer than 95 % of the project's trainings before it",
    }[kind]
    return f"{project} #{number} {how}."
