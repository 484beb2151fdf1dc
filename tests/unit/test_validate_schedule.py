"""Every rule of a schedule, and that its sentence says what would be right."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.project import Framework, ProjectSpec, Role, RunSpec
from app.domain.schedule import Schedule
from app.domain.validate import check_project
from app.domain.validate_schedule import check_schedule, near_zones

DAILY = Schedule(cron="0 3 * * *")
THEN = datetime(2026, 11, 24, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    "cron",
    ["0 3 * * *", "*/5 0-23/2 1,15 JAN-mar mon,7", "@daily", "@Weekly", "0 0 29 2 *", "0 0 L * *", " 0  3 * * * "],
)
def test_expressions_that_are_allowed(cron: str) -> None:
    assert check_schedule(Schedule(cron=cron)) == []


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("", "has 0 fields; give exactly five"),
        ("0 0 3 * * *", "has 6 fields; give exactly five: minute, hour"),
        ("0 0 31 2 *", "is never due"),
        ("0 0 31 4,6,9,11 *", "is never due"),
        ("60 * * * *", "'60' is not possible as minute; use 0 to 59"),
        ("0 24 * * *", "'24' is not possible as hour; use 0 to 23"),
        ("0 0 0 * *", "'0' is not possible as day of month; use 1 to 31"),
        ("0 0 * Foo *", "'Foo' is not possible as month; use 1 to 12"),
        ("0 0 * * 8", "'8' is not possible as day of week; use 0 to 7"),
        ("5-1 * * * *", "write 5-59,0-1."),
        ("0 8,22-4 * * *", "'22-4' is not possible as hour: ranges go upwards; write 22-23,0-4."),
        ("0 0 * * mon-sun", "write MON-SAT,SUN."),
        ("0 0 28-2 * *", "write 28-31,1-2."),
        ("0 0 * 12-1 *", "write 12,1."),
        ("0 0 9-99 * *", "'9-99' is not possible as day of month; use 1 to 31"),
        ("*/0 * * * *", "'*/0' is not possible"),
        ("@reboot", "use one of @yearly"),
        ("0 3 * * ?", "characters that cron does not know"),
        ("٣ 3 * * *", "characters that cron does not know"),
        ("0 " * 101, "at most 200"),
    ],
)
def test_expressions_that_are_refused(cron: str, words: str) -> None:
    (error,) = check_schedule(Schedule(cron=cron))
    assert error.pointer == "/schedule/cron"
    assert words in error.detail


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"cron": None}, "cron", "or an interval"),
        ({"interval": timedelta(hours=2)}, "interval", "keep one of cron and interval"),
        ({"cron": None, "interval": timedelta(seconds=59)}, "interval", "Use 1 minute to 366 days"),
        ({"cron": None, "interval": timedelta(days=367)}, "interval", "Use 1 minute to 366 days"),
        ({"cron": None, "interval": timedelta(minutes=1, microseconds=1)}, "interval", "whole seconds"),
        ({"timezone": "Europe/Berlim"}, "timezone", "did you mean Europe/Berlin, "),
        ({"timezone": "europe/berlin"}, "timezone", "did you mean Europe/Berlin?"),
        ({"timezone": "Shanghai"}, "timezone", "Asia/Shanghai"),
        ({"timezone": "../../etc/passwd"}, "timezone", "an IANA name such as"),
        ({"timezone": ""}, "timezone", "an IANA name such as"),
        ({"start": THEN.replace(tzinfo=None)}, "start", "in which zone"),
        ({"end": THEN.replace(year=2200)}, "end", "between the years 2000 and 2199"),
        ({"start": datetime.min.replace(tzinfo=UTC)}, "start", "between the years 2000 and 2199"),
        ({"start": THEN, "end": THEN - timedelta(days=1)}, "end", "before the start"),
        ({"start": THEN + timedelta(hours=1), "end": THEN + timedelta(hours=2)}, "end", "Nothing is due between"),
        ({"queue_limit": 0}, "queue_limit", "use 1 to 100"),
        ({"catch_up_limit": 101}, "catch_up_limit", "use 1 to 100"),
        ({"catch_up_window": timedelta()}, "catch_up_window", "Use 1 minute to 366 days"),
        ({"stop_after_failures": 0}, "stop_after_failures", "use 1 to 1,000, or leave it out"),
        ({"start_tolerance": timedelta(days=31)}, "start_tolerance", "Use 1 minute to 30 days, or leave it out."),
        ({"succeed_within": timedelta(seconds=1)}, "succeed_within", "Use 1 minute to 366 days"),
    ],
)
def test_what_is_refused_is_named(change: dict[str, Any], field: str, words: str) -> None:
    (error,) = check_schedule(replace(DAILY, **change))
    assert error.pointer == f"/schedule/{field}"
    assert words in error.detail
    assert error.detail[-1] in ".?"


def test_everything_that_is_wrong_is_told_at_once() -> None:
    errors = check_schedule(Schedule(cron="x", timezone="y", queue_limit=0), at="")
    assert {error.pointer for error in errors} == {"/cron", "/timezone", "/queue_limit"}


def test_a_project_is_checked_with_its_schedule() -> None:
    run = RunSpec(Framework.PLAIN, "registry.example.com/team/image:1", {"worker": Role()})
    assert check_project(ProjectSpec("a", None, run, schedule=DAILY)) == []
    (error,) = check_project(ProjectSpec("a", None, run, schedule=Schedule()))
    assert error.pointer == "/schedule/cron"


def test_near_zones_are_few_and_like_what_was_written() -> None:
    assert near_zones("America/new york") == ["America/New_York"]
    assert near_zones("qqqqqq") == []
    assert len(near_zones("Europe/B")) <= 3
