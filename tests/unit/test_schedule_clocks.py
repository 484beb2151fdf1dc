"""Due times against a matcher that looks at every minute, around every kind of change of the clocks."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.schedule import Schedule, due_between
from tests.support.clock_changes import distinct_changes
from tests.support.slow_cron import Clock, read

# Zones whose rules differ: usual ones, half hours, changes at midnight or across it, a day left out, Ramadan, new
# standard offsets, none at all.
ZONES = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Caracas",
    "America/Havana",
    "America/New_York",
    "America/Nuuk",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Amman",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Pyongyang",
    "Asia/Shanghai",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/London",
    "Europe/Moscow",
    "Pacific/Apia",
    "Pacific/Chatham",
    "UTC",
]
EXPRESSIONS = [
    "30 2 * * *",
    "0 0 * * *",
    "15,45 1-3 * * *",
    "59 23 * * *",
    "*/20 2 * * *",
    "7 */2 * * *",
    "0 0-23 * * *",
    "*/30 * * * *",
    "10-50/20 * * * sat,SUN",
    "0 3 * * 7",
    "5 1 29-31 mar,oct 0",
    "30 0,23 */2 * 1-6",
    "0 12 1 * *",
]
LOOKED = 14
MORE = 27
"""Hours on each side: those compared, and more, so that what is jumped over is seen whole."""


def difference(zone: str, middle: datetime, clock: Clock, expression: str) -> str:
    """What only one of the two finds, as few words as possible; empty when they agree."""
    begin, end = middle - timedelta(hours=LOOKED), middle + timedelta(hours=LOOKED)
    expected = {moment for moment in clock.due(read(expression)) if begin < moment <= end}
    found = due_between(Schedule(cron=expression, timezone=zone), begin, end, begin, limit=5_000)
    assert found == sorted(set(found))
    differing = sorted(expected ^ set(found))[:3]
    return f"{expression} in {zone}: {[str(one) for one in differing]}" if differing else ""


def test_around_every_kind_of_change() -> None:
    changes = distinct_changes(ZONES, 2006, 2027)
    assert len(changes) > 80
    assert any(change.new - change.old == 24 * 60 for change in changes)
    assert any(abs(change.new - change.old) == 30 for change in changes)
    wrong = []
    for change in changes:
        clock = Clock.around(change.at, MORE, change.zone)
        wrong += [difference(change.zone, change.at, clock, expression) for expression in EXPRESSIONS]
    assert [words for words in wrong if words][:5] == []


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "Europe/Berlin", "Australia/Lord_Howe"])
def test_on_ordinary_days(zone: str) -> None:
    chance = random.Random(zone)
    for _ in range(4):
        middle = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(8 * 365 * 24 * 60))
        clock = Clock.around(middle, MORE, zone)
        assert [words for one in EXPRESSIONS if (words := difference(zone, middle, clock, one))] == []


def numbers(low: int, high: int) -> st.SearchStrategy[str]:
    """A field: a star, steps, a range or a list."""
    number = st.integers(low, high)
    pairs = st.tuples(number, number).map(sorted)
    return st.one_of(
        st.just("*"),
        st.integers(1, high).map(lambda step: f"*/{step}"),
        pairs.map(lambda pair: f"{pair[0]}-{pair[1]}"),
        st.tuples(pairs, st.integers(1, 9)).map(lambda both: f"{both[0][0]}-{both[0][1]}/{both[1]}"),
        st.lists(number, min_size=1, max_size=4).map(lambda found: ",".join(map(str, found))),
    )


@given(
    minute=st.integers(0, 59).map(str) | numbers(0, 59),
    hour=numbers(0, 23),
    day=st.just("*") | numbers(1, 28),
    month=st.just("*") | st.just("3,10") | numbers(1, 12),
    weekday=st.just("*") | numbers(0, 7),
    which=st.sampled_from([
        ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
        ("America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)),
    ]),
)  # fmt: skip
@settings(max_examples=60, derandomize=True)
def test_any_expression(
    minute: str, hour: str, day: str, month: str, weekday: str, which: tuple[str, datetime]
) -> None:
    zone, middle = which
    expression = f"{minute} {hour} {day} {month} {weekday}"
    assert difference(zone, middle, Clock.around(middle, MORE, zone), expression) == ""


@given(
    every=st.integers(60, 10**6),
    begin=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    later=st.integers(-(10**8), 10**8),
    zone=st.sampled_from(ZONES),
    given_start=st.booleans(),
)
@settings(max_examples=200, derandomize=True)
def test_intervals_count_from_their_anchor(
    every: int, begin: datetime, later: int, zone: str, given_start: bool
) -> None:
    """Every due time is whole intervals after the anchor, the steps are even, and asking later changes none."""
    interval, after = timedelta(seconds=every), begin + timedelta(seconds=later)
    schedule = Schedule(interval=interval, timezone=zone, start=begin if given_start else None)
    base = begin if given_start else begin.replace(microsecond=0)
    found = due_between(schedule, after, datetime(2199, 1, 1, tzinfo=UTC), begin, limit=5)
    assert len(found) == 5
    assert all((moment - base) % interval == timedelta(0) and moment >= base for moment in found)
    assert all(second - first == interval for first, second in pairwise(found))
    assert found[0] > after
    assert found[0] - interval <= after or found[0] == base
    assert due_between(schedule, found[1], found[4], begin) == found[2:]
