"""The part of a project's form that says when it runs: from a schedule to its fields, and back.

Start and end are typed as the clock shows them in the schedule's zone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from app.domain import cron
from app.domain.schedule import CatchUp, Overlap, Schedule
from app.domain.wall_clock import on_the_wall
from app.ui.fields import Sent, span_text

BY_HAND, CRON, INTERVAL = "hand", "cron", "interval"
_DEFAULTS = Schedule(cron="0 3 * * *", overlap=Overlap.REPLACE)
_AT = "/schedule"
_NOT_READ = timedelta(hours=1)
"""For an interval that cannot be read: the rest of the schedule is checked with it."""


def fields_of(schedule: Schedule | None, zone: str) -> dict[str, str]:
    """What the fields show; without a schedule, what a first one would begin with, in the person's own zone."""
    shown = schedule or _DEFAULTS
    place = shown.timezone if schedule else zone
    return {
        "schedule.starts": BY_HAND if schedule is None else INTERVAL if schedule.interval else CRON,
        "schedule.cron": shown.cron or "",
        "schedule.interval": span_text(shown.interval),
        "schedule.timezone": place,
        "schedule.start": _wall_text(shown.start, place),
        "schedule.end": _wall_text(shown.end, place),
        "schedule.overlap": shown.overlap.value,
        "schedule.queue_limit": str(shown.queue_limit),
        "schedule.catch_up": shown.catch_up.value,
        "schedule.catch_up_limit": str(shown.catch_up_limit),
        "schedule.catch_up_window": span_text(shown.catch_up_window),
        "schedule.stop_after_failures": str(shown.stop_after_failures or ""),
        "schedule.start_tolerance": span_text(shown.start_tolerance),
        "schedule.succeed_within": span_text(shown.succeed_within),
        "schedule.notice_slow": "yes" if shown.notice_slow else "",
    }


def schedule_of(sent: Sent) -> Schedule | None:
    """What was sent; None for a project that somebody starts. What cannot be read is noted in `sent`."""
    starts = sent.text("schedule.starts") or BY_HAND
    if starts == BY_HAND:
        return None
    zone = sent.text("schedule.timezone") or "UTC"
    usual = Schedule()
    return Schedule(
        cron=sent.text("schedule.cron") if starts == CRON else None,
        interval=_interval(sent) if starts == INTERVAL else None,
        timezone=zone,
        start=moment_of(sent, "schedule.start", f"{_AT}/start", zone),
        end=moment_of(sent, "schedule.end", f"{_AT}/end", zone),
        overlap=_one_of(sent, Overlap, "overlap", usual.overlap),
        queue_limit=_count(sent, "queue_limit", usual.queue_limit),
        catch_up=_one_of(sent, CatchUp, "catch_up", usual.catch_up),
        catch_up_limit=_count(sent, "catch_up_limit", usual.catch_up_limit),
        catch_up_window=_window(sent, usual.catch_up_window),
        stop_after_failures=sent.integer("schedule.stop_after_failures", f"{_AT}/stop_after_failures"),
        start_tolerance=_span(sent, "start_tolerance"),
        succeed_within=_span(sent, "succeed_within"),
        notice_slow=bool(sent.text("schedule.notice_slow")),
    )


def moment_of(sent: Sent, name: str, pointer: str, zone: str) -> datetime | None:
    """A wall-clock time in the zone, in UTC; in a gap of the clock it is the moment of the jump."""
    text = sent.text(name)
    if not text:
        return None
    try:
        wall = datetime.fromisoformat(text)
        if wall.tzinfo is not None:
            return wall.astimezone(UTC)
        place = cron.zone(zone if zone in cron.zones() else "UTC")  # the zone is complained of elsewhere
        return on_the_wall(wall, place) or wall.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        sent.wrong(pointer, f"{text!r} is not a date and time; write it like 2027-01-31 03:00.")
        return None


def _interval(sent: Sent) -> timedelta:
    if not sent.text("schedule.interval"):
        sent.wrong(f"{_AT}/interval", "Say how long it is from one start to the next, such as 6 h.")
    found = _span(sent, "interval")
    return _NOT_READ if found is None else found


def _window(sent: Sent, usual: timedelta) -> timedelta:
    found = _span(sent, "catch_up_window")
    return usual if found is None else found


def _span(sent: Sent, name: str) -> timedelta | None:
    return sent.span(f"schedule.{name}", f"{_AT}/{name}")


def _count(sent: Sent, name: str, usual: int) -> int:
    found = sent.integer(f"schedule.{name}", f"{_AT}/{name}", usual)
    return usual if found is None else found


def _one_of(sent: Sent, kind: Any, name: str, usual: Any) -> Any:
    text = sent.text(f"schedule.{name}")
    if not text or text in set(kind):
        return kind(text) if text else usual
    sent.wrong(f"{_AT}/{name}", f"Choose one of {', '.join(one.value for one in kind)}.")
    return usual


def _wall_text(moment: datetime | None, zone: str) -> str:
    """As `datetime-local` fields want it."""
    if moment is None:
        return ""
    wall = moment.astimezone(cron.zone(zone))
    return wall.strftime("%Y-%m-%dT%H:%M:%S" if wall.second else "%Y-%m-%dT%H:%M")
