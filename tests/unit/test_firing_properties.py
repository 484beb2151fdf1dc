"""Whatever happens to a timed project: each due time has one outcome, and the overlap rule holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.firing import ON_TIME, Active, Outcome, Pause, Verdict, plan
from app.domain.schedule import CatchUp, Overlap, Schedule, due_between
from app.domain.training import State

BEGIN = datetime(2026, 11, 24, tzinfo=UTC)
schedules = st.builds(
    Schedule,
    interval=st.integers(1, 120).map(lambda minutes: timedelta(minutes=minutes)),
    overlap=st.sampled_from(Overlap),
    queue_limit=st.integers(1, 4),
    catch_up=st.sampled_from(CatchUp),
    catch_up_limit=st.integers(1, 5),
    catch_up_window=st.integers(1, 600).map(lambda minutes: timedelta(minutes=minutes)),
)
# How many minutes pass, and how many of the oldest active trainings end meanwhile.
steps = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3)), min_size=1, max_size=12)


class Project:
    """A timed project in memory, as whoever fires keeps it: the oldest active training runs, others wait."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.active: list[Active] = []
        self.ids = count(1)

    def end(self, how_many: int) -> None:
        del self.active[:how_many]
        if self.active:
            self.active[0] = replace(self.active[0], state=State.RUNNING)

    def apply(self, outcome: Outcome) -> None:
        """Make the training of an outcome, checking the overlap rule on the way."""
        if not outcome.verdict.makes_training:
            assert outcome.cause is not None
            assert outcome.message
            return
        waits = outcome.verdict is not Verdict.START
        if self.schedule.overlap is not Overlap.ALLOW:
            assert waits == bool(self.active)
        if outcome.verdict is Verdict.REPLACE:
            assert outcome.replaces == tuple(one.id for one in self.active)
            self.active.clear()
        number = next(self.ids)
        self.active.append(Active(UUID(int=number), number, State.QUEUED if waits else State.RUNNING))
        waiting = sum(one.state is State.QUEUED for one in self.active)
        assert waiting <= (self.schedule.queue_limit if self.schedule.overlap is Overlap.QUEUE else 1)


@given(schedule=schedules, steps=steps, chunk=st.integers(1, 7))
@settings(max_examples=150, derandomize=True)
def test_each_due_time_has_one_outcome_and_the_rule_holds(
    schedule: Schedule, steps: list[tuple[int, int]], chunk: int
) -> None:
    project, now, handled, seen = Project(schedule), BEGIN, BEGIN, []
    for minutes, ended in steps:
        now += timedelta(minutes=minutes)
        project.end(ended)
        due = due_between(schedule, handled, now, BEGIN)
        for place in range(0, len(due), chunk):
            part = due[place : place + chunk]
            outcomes = plan(schedule, part, now, project.active, later=len(due) - place - len(part))
            assert [outcome.due for outcome in outcomes] == part
            for outcome in outcomes:
                project.apply(outcome)
            seen += part
        handled = due[-1] if due else handled
    assert seen == due_between(schedule, BEGIN, now, BEGIN, limit=10_000)


@given(schedule=schedules, minutes=st.integers(1, 3_000), chunk=st.integers(1, 50))
@settings(max_examples=150, derandomize=True)
def test_no_more_is_made_up_for_than_the_rule_says(schedule: Schedule, minutes: int, chunk: int) -> None:
    schedule = replace(schedule, overlap=Overlap.ALLOW)
    now = BEGIN + timedelta(minutes=minutes)
    due = due_between(schedule, BEGIN, now, BEGIN, limit=10_000)
    outcomes: list[Outcome] = []
    for place in range(0, len(due), chunk):
        part = due[place : place + chunk]
        outcomes += plan(schedule, part, now, [], later=len(due) - place - len(part))
    assert outcomes == plan(schedule, due, now, []), "it matters how many are handled in one go"
    started = [outcome.due for outcome in outcomes if outcome.verdict is Verdict.START]
    made_up_for = [moment for moment in started if moment != due[-1] or now - moment > ON_TIME]
    assert started == due[len(due) - len(started) :], "the newest are made up for"
    assert all(now - moment <= schedule.catch_up_window for moment in made_up_for)
    most = {CatchUp.SKIP: 0, CatchUp.LATEST: 1, CatchUp.ALL: schedule.catch_up_limit}[schedule.catch_up]
    assert len(made_up_for) <= most
    if due and now - due[-1] <= ON_TIME:
        assert due[-1] in started


@given(
    schedule=schedules,
    begin=st.integers(0, 1_000),
    length=st.integers(1, 1_000),
    after=st.integers(0, 500),
    asked=st.sampled_from(CatchUp),
)
@settings(max_examples=150, derandomize=True)
def test_a_pause_starts_nothing_old_that_nobody_asked_for(
    schedule: Schedule, begin: int, length: int, after: int, asked: CatchUp
) -> None:
    since = BEGIN + timedelta(minutes=begin)
    until = since + timedelta(minutes=length)
    now = until + timedelta(minutes=after)
    pause = Pause(since, until, asked)
    due = due_between(schedule, BEGIN, now, BEGIN, limit=10_000)
    outcomes = plan(schedule, due, now, [], pause=pause)
    started = [outcome.due for outcome in outcomes if outcome.verdict.makes_training and pause.covers(outcome.due)]
    if asked is CatchUp.SKIP:
        assert started == []
    if asked is CatchUp.LATEST:
        assert started in ([], due[-1:])
