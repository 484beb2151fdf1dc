"""Who has fallen silent while the others go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.silence import Speech, silent
from app.domain.training import TaskKey

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
HOUR = 3600.0


def said(role: str, index: int, lines: int, ago: float | None, *, since: float = HOUR) -> Speech:
    """So many lines, the last of them so many seconds ago."""
    last = None if ago is None else NOW - timedelta(seconds=ago)
    return Speech(TaskKey(role, index), NOW - timedelta(seconds=since), lines, last)


@pytest.mark.parametrize(
    ("why", "tasks", "expected"),
    [
        ("its peer goes on", [("worker", 0, 3600, 300), ("worker", 1, 3600, 1)], ["worker-0"]),
        ("not for long enough", [("worker", 0, 3600, 119), ("worker", 1, 3600, 1)], []),
        ("it always pauses so long", [("worker", 0, 60, 600), ("worker", 1, 3600, 1)], []),
        ("longer than it ever does", [("worker", 0, 60, 1200), ("worker", 1, 3600, 1)], ["worker-0"]),
        ("all wait together", [("worker", 0, 3600, 300), ("worker", 1, 3600, 290)], []),
        ("it never spoke", [("worker", 0, 0, None), ("worker", 1, 3600, 1)], []),
        ("it has no habit of speaking", [("worker", 0, 9, 3000), ("worker", 1, 3600, 1)], []),
        ("it is alone", [("worker", 0, 3600, 3000)], []),
        ("another role is no peer", [("ps", 0, 3600, 3000), ("worker", 0, 3600, 1)], []),
        ("most peers are silent too", [("worker", n, 3600, 300) for n in range(5)] + [("worker", 5, 3600, 1)], []),
        (
            "two of five",
            [("worker", n, 3600, 300) for n in range(2)] + [("worker", n, 3600, 1) for n in range(2, 5)],
            ["worker-0", "worker-1"],
        ),
        ("peers stopped before the middle", [("worker", 0, 3600, 600), ("worker", 1, 3600, 301)], []),
    ],
)
def test_silence(why: str, tasks: list[tuple[str, int, int, float | None]], expected: list[str]) -> None:
    found = silent([said(*task) for task in tasks], NOW)
    assert [str(key) for key in found] == expected, why


def test_it_says_since_when() -> None:
    (since,) = silent([said("worker", 0, 3600, 300), said("worker", 1, 3600, 1)], NOW).values()
    assert since == NOW - timedelta(minutes=5)


def test_clocks_that_disagree_do_no_harm() -> None:
    ahead = Speech(TaskKey("worker", 0), NOW + timedelta(hours=1), 100, NOW - timedelta(hours=1))
    assert list(silent([ahead, said("worker", 1, 3600, 1)], NOW)) == [TaskKey("worker", 0)]
