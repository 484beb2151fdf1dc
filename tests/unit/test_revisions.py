"""What one edit of a project changed, field by field, and what is never shown of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain.masking import HIDDEN
from app.domain.revision import NEW_VALUE, Change, Revision, changes, settings_of

SPEC: dict[str, Any] = {
    "algorithm": "digits",
    "version": None,
    "run": {
        "framework": "plain",
        "image": "python:3",
        "roles": {"worker": {"count": 2, "resources": {"cpu": "1"}, "node_selector": {}, "tolerations": []}},
        "args": ["--epochs", "3"],
        "env": {"A": "1"},
        "secret_env": [],
        "max_duration": None,
    },
    "running_limit": None,
    "schedule": None,
}


def revision(number: int, *, secrets: tuple[str, ...] = (), notes: str = "", **run: Any) -> Revision:
    spec = {**SPEC, "run": {**SPEC["run"], **run}}
    return Revision(number, datetime(2026, 11, 24, tzinfo=UTC), "ada", settings_of(spec, notes, []), secrets)


def worker(count: int, **more: str) -> dict[str, Any]:
    return {"worker": {**SPEC["run"]["roles"]["worker"], "count": count, **more}}


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({}, []),
        ({"image": "python:4"}, [Change("/image", "python:3", "python:4")]),
        ({"roles": worker(4)}, [Change("/roles/worker/count", 2, 4)]),
        ({"args": ["--epochs", "9"]}, [Change("/args", ["--epochs", "3"], ["--epochs", "9"])]),
        ({"max_duration": "PT2H"}, [Change("/max_duration", None, "PT2H")]),
        ({"env": {}}, [Change("/env/A", "1", None)]),
        ({"env": {"A": "1", "a/b~c": "x"}}, [Change("/env/a~1b~0c", None, "x")]),
        ({"env": {"A": "1", "API_KEY": "s3cret"}}, [Change("/env/API_KEY", None, HIDDEN)]),
        ({"notes": "why"}, [Change("/notes", None, "why")]),
        ({"roles": {}}, [Change("/roles/worker/count", 2, None), Change("/roles/worker/resources/cpu", "1", None)]),
    ],
)  # fmt: skip
def test_changes(after: dict[str, Any], expected: list[Change]) -> None:
    assert list(changes(revision(1), revision(2, **after))) == expected


def test_of_a_secret_only_its_name_is_told() -> None:
    first = revision(1, secret_env=["TOKEN"], secrets=("TOKEN",))
    assert changes(first, revision(2, secret_env=["TOKEN"], secrets=("TOKEN",))) == (
        Change("/secret_env/TOKEN", HIDDEN, NEW_VALUE),
    )
    assert changes(first, revision(2, secret_env=["OTHER", "TOKEN"], secrets=("OTHER",))) == (
        Change("/secret_env", ["TOKEN"], ["OTHER", "TOKEN"]),
        Change("/secret_env/OTHER", None, NEW_VALUE),
    )
