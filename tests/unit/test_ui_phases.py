"""The steps of a training's life, for every state it can be in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.domain.project import Framework, Role, RunSpec
from app.domain.training import NamespaceState, State, Training, TrainingSpec, Trigger
from app.ui.phases import phases

START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


TRAINING = Training(
    id=uuid4(),
    project_id=uuid4(),
    project="digits",
    number=1,
    spec=TrainingSpec("digits", 1, "ab", RunSpec(Framework.PLAIN, "python:3", {"worker": Role()})),
    trigger=Trigger.PERSON,
    created_at=START,
    created_by="ada",
    intent_gen=1,
)


@pytest.mark.parametrize(
    ("changes", "statuses"),
    [
        ({"state": State.QUEUED}, "now todo todo todo todo"),
        ({"state": State.STARTING, "starting_at": at(2)}, "done now todo todo todo"),
        ({"state": State.RUNNING, "starting_at": at(2), "started_at": at(9)}, "done done now todo todo"),
        (
            {"state": State.STOPPING, "starting_at": at(2), "started_at": at(9), "stopping_at": at(20)},
            "done done done now todo",
        ),
        (
            {
                "state": State.SUCCEEDED,
                "starting_at": at(2),
                "started_at": at(9),
                "finished_at": at(20),
                "namespace_state": NamespaceState.GONE,
            },
            "done done done done done",
        ),
        ({"state": State.STOPPED, "finished_at": at(5)}, "done skipped skipped done skipped"),
        (
            {
                "state": State.FAILED,
                "starting_at": at(2),
                "finished_at": at(5),
                "namespace_state": NamespaceState.DELETING,
            },
            "done done skipped done now",
        ),
    ],
)
def test_statuses(changes: dict[str, Any], statuses: str) -> None:
    assert [phase.status for phase in phases(replace(TRAINING, **changes))] == statuses.split()


def test_spans() -> None:
    ended = replace(
        TRAINING,
        state=State.FAILED,
        starting_at=at(2),
        started_at=at(9),
        stopping_at=at(60),
        finished_at=at(70),
    )
    queued, starting, running, end, _ = phases(ended)
    assert (queued.since, queued.until) == (START, at(2))
    assert (starting.since, starting.until) == (at(2), at(9))
    assert (running.since, running.until) == (at(9), at(60))
    assert (end.since, end.tone) == (at(70), "bad")


def test_the_namespace_says_until_when_it_is_kept() -> None:
    ended = replace(TRAINING, state=State.SUCCEEDED, finished_at=at(70), namespace_state=NamespaceState.PRESENT)
    kept = phases(ended)[-1]
    assert (kept.words, kept.since) == ("until", at(70) + timedelta(minutes=10))
    assert phases(replace(ended, state=State.STOPPING, finished_at=None))[-1].words == "present"
