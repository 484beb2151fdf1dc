"""Domain values to JSON and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.db.codec import from_json, to_json
from app.domain.project import Framework, Role, RunSpec
from app.domain.training import TrainingSpec


@dataclass(frozen=True)
class Newer:
    name: str
    tags: tuple[str, ...] = ()


def test_a_frozen_spec_survives_the_json_of_its_row() -> None:
    run = RunSpec(
        Framework.TENSORFLOW,
        "registry/image:1",
        {"worker": Role(2)},
        args=("--epochs", "3"),
        max_duration=timedelta(hours=2, milliseconds=5),
    )
    spec = TrainingSpec(
        algorithm="digits",
        version=3,
        digest="ab",
        run=run,
        params={"a": "b"},
        scheduled_for=datetime(2026, 11, 24, 3, tzinfo=UTC),
    )
    data = to_json(spec)
    assert data["scheduled_for"] == "2026-11-24T03:00:00Z"
    assert from_json(data, TrainingSpec) == spec


def test_an_older_row_takes_defaults_and_a_newer_one_is_read() -> None:
    assert from_json({"name": "a", "unknown": 1}, Newer) == Newer("a")
