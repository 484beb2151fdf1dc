"""What becomes of due times: overlap, catch-up and pauses, by example and as properties."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.domain.firing import Active, Cause, Outcome, Pause, Verdict, failed_too_often, plan, start_beside
from app.domain.pauses import Spell
from app.domain.schedule import CatchUp, Overlap, Schedule
from app.domain.training import State

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOURLY = Schedule(cron="0 * * * *")
RUNNING = Active(UUID(int=1), 17, State.RUNNING)
WAITING = Active(UUID(int=2), 18, State.QUEUED)


def hours(*before: int) -> list[datetime]:
    return [NOON - timedelta(hours=count) for count in before]


def told(outcomes: list[Outcome]) -> list[tuple[Verdict, Cause | None]]:
    return [(outcome.verdict, outcome.cause) for outcome in outcomes]


START = (Verdict.START, None)


def test_a_due_time_starts_when_nothing_is_active() -> None:
    assert plan(HOURLY, [NOON], NOON, []) == [Outcome(NOON, Verdict.START)]


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        (Overlap.ALLOW, START),
        (Overlap.SKIP, (Verdict.SKIPPED, Cause.STILL_ACTIVE)),
        (Overlap.REPLACE, (Verdict.REPLACE, None)),
        (Overlap.QUEUE, (Verdict.QUEUE, None)),
    ],
)
def test_an_active_training_meets_the_overlap_rule(overlap: Overlap, expected: tuple[Verdict, Cause | None]) -> None:
    schedule = replace(HOURLY, overlap=overlap)
    assert told(plan(schedule, [NOON], NOON, [RUNNING])) == [expected]
    assert told([start_beside(schedule, NOON, [RUNNING])]) == [expected]


def test_a_second_due_time_during_a_handover_replaces_both() -> None:
    (outcome,) = plan(replace(HOURLY, overlap=Overlap.REPLACE), [NOON], NOON, [RUNNING, WAITING])
    assert outcome.replaces == (RUNNING.id, WAITING.id)
    assert "#17, #18" in outcome.message


def test_the_queue_is_bounded() -> None:
    schedule = replace(HOURLY, overlap=Overlap.QUEUE, queue_limit=2, catch_up=CatchUp.ALL)
    outcomes = plan(schedule, hours(2, 1, 0), NOON, [RUNNING, WAITING])
    assert [outcome.verdict for outcome in outcomes] == [Verdict.QUEUE, Verdict.QUEUE_FULL, Verdict.QUEUE_FULL]
    assert "2 trainings" in outcomes[-1].message


def test_of_several_that_replace_only_the_newest_starts() -> None:
    schedule = replace(HOURLY, overlap=Overlap.REPLACE, catch_up=CatchUp.ALL)
    newer = (Verdict.SKIPPED, Cause.NEWER_DUE)
    assert told(plan(schedule, hours(2, 1, 0), NOON, [])) == [newer, newer, START]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (CatchUp.SKIP, [Cause.NO_CATCH_UP] * 4),
        (CatchUp.LATEST, [Cause.NOT_THE_LATEST] * 3 + [None]),
        (CatchUp.ALL, [Cause.OVER_LIMIT] * 2 + [None] * 2),
    ],
)
def test_what_was_missed_follows_the_policy(policy: CatchUp, expected: list[Cause | None]) -> None:
    schedule = replace(HOURLY, overlap=Overlap.ALLOW, catch_up=policy, catch_up_limit=2)
    outcomes = plan(schedule, hours(4, 3, 2, 1), NOON, [])
    assert [outcome.cause for outcome in outcomes] == expected


def test_what_is_on_time_starts_whatever_the_policy() -> None:
    schedule = replace(HOURLY, catch_up=CatchUp.SKIP)
    late = NOON + timedelta(minutes=4)
    assert told(plan(schedule, hours(1, 0), late, [])) == [(Verdict.MISSED, Cause.NO_CATCH_UP), START]


def test_what_is_older_than_the_window_is_not_made_up_for() -> None:
    schedule = replace(HOURLY, catch_up_window=timedelta(minutes=90))
    assert told(plan(schedule, hours(1), NOON, [])) == [START]
    assert told(plan(schedule, hours(2), NOON, [])) == [(Verdict.MISSED, Cause.TOO_OLD)]


def test_of_too_many_for_one_transaction_only_the_last_part_has_the_latest() -> None:
    assert told(plan(HOURLY, hours(4, 3), NOON, [], later=2)) == [(Verdict.MISSED, Cause.NOT_THE_LATEST)] * 2
    assert told(plan(HOURLY, hours(2, 1), NOON, []))[-1] == START


def test_the_end_of_a_pause_starts_nothing_old_unless_asked_to() -> None:
    pause = Pause(since=NOON - timedelta(hours=3), until=NOON)
    lost = (Verdict.MISSED, Cause.PAUSED)
    assert told(plan(HOURLY, hours(3, 2, 1, 0), NOON, [], pause=pause)) == [lost, lost, lost, START]
    asked = replace(pause, catch_up=CatchUp.LATEST)
    assert told(plan(HOURLY, hours(3, 2, 1), NOON, [], pause=asked))[-1] == START


def test_nothing_starts_while_paused() -> None:
    pause = Pause(since=NOON - timedelta(hours=1))
    assert told(plan(HOURLY, hours(2, 0), NOON, [], pause=pause)) == [(Verdict.MISSED, Cause.PAUSED)] * 2


FROM, TO = NOON - timedelta(hours=3), NOON - timedelta(minutes=30)
SINCE = "The schedule was paused from 2026-11-24T09:00:00Z"
BY_ADA = f"{SINCE} to 2026-11-24T11:30:00Z (by ada)"
NOTHING = "Nothing could be started at that time"


@pytest.mark.parametrize(
    ("asked", "changes", "spells", "expected"),
    [
        (CatchUp.SKIP, {}, [Spell(FROM, TO, "ada", "ada")], [f"{BY_ADA}."] * 2),
        (CatchUp.SKIP, {}, [Spell(FROM, TO, "ada")], [f"{SINCE} (by ada) to 2026-11-24T11:30:00Z."] * 2),
        (
            CatchUp.SKIP,
            {},
            [Spell(FROM, FROM + timedelta(minutes=90), "TaaS", "bob"), Spell(TO - timedelta(minutes=1), TO, "bob")],
            [
                f"{SINCE} (by TaaS) to 2026-11-24T10:30:00Z (ended by bob).",
                f"{NOTHING}, and the schedule was paused before it could be made up for.",
            ],
        ),
        (
            CatchUp.LATEST,
            {},
            [Spell(FROM, TO, "ada", "ada")],
            [f"{BY_ADA}; of several missed times only the latest is made up for."] * 2,
        ),
        (
            CatchUp.ALL,
            {"catch_up_limit": 1},
            [Spell(FROM, TO, "ada", "ada")],
            [f"{BY_ADA}; only the newest 1 missed times are made up for."] * 2,
        ),
        (
            CatchUp.ALL,
            {"catch_up_window": timedelta(minutes=45)},
            [Spell(FROM, TO, "ada", "ada")],
            [f"{BY_ADA}, and it is longer ago than the 45 min to catch up."] * 2,
        ),
    ],
)
def test_what_was_missed_in_a_pause_names_it(
    asked: CatchUp, changes: dict[str, Any], spells: list[Spell], expected: list[str]
) -> None:
    schedule, pause = replace(HOURLY, **changes), Pause(FROM, TO, asked)
    outcomes = plan(schedule, hours(4, 2, 1, 0), NOON, [], pause=pause, spells=spells)
    assert [outcome.message for outcome in outcomes[1:3]] == expected
    assert outcomes[0].message.startswith(NOTHING)


def test_a_pause_that_lasts_is_named_by_its_beginning() -> None:
    spells = [Spell(FROM, None, "ada")]
    outcomes = plan(HOURLY, hours(4, 1), NOON, [], pause=Pause(FROM), spells=spells)
    assert [outcome.message for outcome in outcomes] == [
        f"{NOTHING}, and the schedule was paused before it could be made up for.",
        "The schedule was paused at 2026-11-24T09:00:00Z (by ada) and had not gone on.",
    ]


def test_a_schedule_stops_after_failures_in_a_row() -> None:
    schedule = replace(HOURLY, stop_after_failures=2)
    failed, stopped, succeeded = State.FAILED, State.STOPPED, State.SUCCEEDED
    assert failed_too_often(schedule, [failed, stopped, State.TIMED_OUT])
    assert not failed_too_often(schedule, [failed, succeeded, failed])
    assert not failed_too_often(schedule, [failed])
    assert not failed_too_often(HOURLY, [failed] * 9)
