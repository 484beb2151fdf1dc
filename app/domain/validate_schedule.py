"""Whether a schedule can be kept: every rule, each with a sentence that says what would be right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

from app.domain import cron
from app.domain.schedule import HORIZON, Schedule, next_due
from app.domain.sentences import between
from app.errors import FieldError

INTERVAL_MIN = timedelta(minutes=1)
INTERVAL_MAX = timedelta(days=366)
QUEUE_MAX = 100
CATCH_UP_MAX = 100
WINDOW_MAX = timedelta(days=366)
TOLERANCE_MAX = timedelta(days=30)
FAILURES_MAX = 1_000
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


def check_schedule(schedule: Schedule, at: str = "/schedule") -> list[FieldError]:
    """What is wrong with it, at pointers that begin with `at`; empty when nothing is."""
    errors = [
        *_when(schedule),
        *_zone(schedule.timezone),
        *_bounds(schedule),
        *_counts(schedule),
        *_spans(schedule),
    ]
    errors = errors or list(_empty(schedule))
    return [FieldError(f"{at}/{field}", detail) for field, detail in errors]


def _when(schedule: Schedule) -> Iterator[tuple[str, str]]:
    if schedule.cron is not None and schedule.interval is not None:
        yield "interval", "There is a cron expression too; keep one of cron and interval."
    if schedule.cron is None and schedule.interval is None:
        yield "cron", "Give cron, such as 0 3 * * * for 03:00 every day, or an interval, such as PT6H."
    if schedule.cron is not None:
        try:
            cron.parse(schedule.cron)
        except cron.BadCron as exc:
            yield "cron", str(exc)
    interval = schedule.interval
    if interval is not None and (interval.microseconds or not INTERVAL_MIN <= interval <= INTERVAL_MAX):
        yield "interval", f"Use {between(INTERVAL_MIN, INTERVAL_MAX)}, in whole seconds."


def _zone(name: str) -> Iterator[tuple[str, str]]:
    if name in cron.zones():
        return
    near = near_zones(name)
    advice = f"did you mean {', '.join(near)}?" if near else "use an IANA name such as Europe/Berlin or UTC."
    yield "timezone", f"There is no time zone {name[:100]!r}; {advice}"


def near_zones(name: str) -> list[str]:
    """Up to three time zones whose names are like it, the likest first."""
    by_lower = {known.lower(): known for known in cron.zones()}
    wanted = name[:100].strip().lower().replace(" ", "_")
    if wanted in by_lower:
        return [by_lower[wanted]]
    by_place = {lower.rpartition("/")[2]: known for lower, known in sorted(by_lower.items(), reverse=True)}
    found = [by_lower[lower] for lower in get_close_matches(wanted, by_lower, n=3, cutoff=0.7)]
    found += [by_place[place] for place in get_close_matches(wanted.rpartition("/")[2], by_place, n=3, cutoff=0.8)]
    return list(dict.fromkeys(found))[:3]


def _bounds(schedule: Schedule) -> Iterator[tuple[str, str]]:
    moments = {"start": schedule.start, "end": schedule.end}
    wrong = False
    for field, moment in moments.items():
        if moment is None:
            continue
        if moment.utcoffset() is None:
            wrong = True
            yield field, "Say in which zone that is, such as 2026-11-24T03:00:00Z or 2026-11-24T03:00:00+01:00."
        elif not EARLIEST <= moment < HORIZON:
            wrong = True
            yield field, "Use a time between the years 2000 and 2199, such as 2026-11-24T03:00:00Z."
    if not wrong and schedule.start and schedule.end and schedule.end < schedule.start:
        yield "end", "The end is before the start; choose a later end or leave it out."


def _counts(schedule: Schedule) -> Iterator[tuple[str, str]]:
    for field, value, most in (
        ("queue_limit", schedule.queue_limit, QUEUE_MAX),
        ("catch_up_limit", schedule.catch_up_limit, CATCH_UP_MAX),
    ):
        if not 1 <= value <= most:
            yield field, f"{value} is not possible; use 1 to {most}."
    failures = schedule.stop_after_failures
    if failures is not None and not 1 <= failures <= FAILURES_MAX:
        yield "stop_after_failures", f"{failures} is not possible; use 1 to {FAILURES_MAX:,}, or leave it out."


def _spans(schedule: Schedule) -> Iterator[tuple[str, str]]:
    for field, value, most, else_ in (
        ("catch_up_window", schedule.catch_up_window, WINDOW_MAX, ""),
        ("start_tolerance", schedule.start_tolerance, TOLERANCE_MAX, ", or leave it out"),
        ("succeed_within", schedule.succeed_within, WINDOW_MAX, ", or leave it out"),
    ):
        if value is not None and not INTERVAL_MIN <= value <= most:
            yield field, f"Use {between(INTERVAL_MIN, most)}{else_}."


def _empty(schedule: Schedule) -> Iterator[tuple[str, str]]:
    if schedule.start and schedule.end and next_due(schedule, EARLIEST, schedule.start) is None:
        yield "end", "Nothing is due between the start and the end; choose a later end or leave it out."
