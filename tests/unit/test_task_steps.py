"""What a try went through before it ran."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.domain.record import AttemptRecord
from app.domain.task_steps import Step, steps_of
from app.domain.training import Training, TrainingSpec, Trigger
from tests.support.trainings import run_spec

BEGIN = datetime(2026, 11, 24, 3, tzinfo=UTC)
Q, N, NODE, BOX, IMAGE, RUN = Step


def at(seconds: float | None) -> datetime | None:
    return None if seconds is None else BEGIN + timedelta(seconds=seconds)


def a_try(number: int, made: float, *times: float | None) -> AttemptRecord:
    scheduled, sandbox, started, finished = (at(moment) for moment in times)
    return AttemptRecord(
        number=number, pod="x", node=None, state="", exit_code=None, reason="", message="",
        created_at=at(made) or BEGIN, scheduled_at=scheduled, sandbox_at=sandbox, started_at=started,
        finished_at=finished, log_bytes=0, log_lines=0, log_verdict=None, log_missing_lines=None,
    )  # fmt: skip


def training(starting: float | None = 4) -> Training:
    spec = TrainingSpec(algorithm="a", version=1, digest="d", run=run_spec())
    return Training(
        id=UUID(int=1), project_id=UUID(int=2), project="p", number=1, spec=spec, trigger=Trigger.PERSON,
        created_at=BEGIN, created_by="ada", intent_gen=1, starting_at=at(starting),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "steps"),
    [
        (
            a_try(1, 5, 6, 8, 20, 90),
            [(Q, 0, 4), (N, 4, 5), (NODE, 5, 6), (BOX, 6, 8), (IMAGE, 8, 20), (RUN, 20, 90)],
        ),
        (a_try(2, 50, 51, 52, 53, None), [(NODE, 50, 51), (BOX, 51, 52), (IMAGE, 52, 53), (RUN, 53, None)]),
        (a_try(2, 50, None, None, None, None), [(NODE, 50, None)]),
        (a_try(2, 50, None, None, None, 70), [(NODE, 50, 70)]),
        (a_try(2, 50, 51, None, 53, 53), [(NODE, 50, 51), (BOX, 51, 53), (RUN, 53, 53)]),
        (a_try(2, 50.7, 50, 52, 53, None), [(NODE, 50.7, 50.7), (BOX, 50, 52), (IMAGE, 52, 53), (RUN, 53, None)]),
    ],
)
def test_steps(one: AttemptRecord, steps: list[tuple[Step, float, float | None]]) -> None:
    found = steps_of(training(), one)
    assert [(step.step, step.since, step.until) for step in found] == [(s, at(a), at(b)) for s, a, b in steps]
