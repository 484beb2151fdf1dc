"""Which tasks have fallen silent: each used to say something again and again, has stopped, and its peers go on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.training import TaskKey

LEAST_LINES = 10
"""Who has said less has no habit of speaking."""
LEAST_QUIET = timedelta(minutes=2)
TIMES = 20
"""How many of its usual pauses a silence has to last."""


@dataclass(frozen=True, slots=True)
class Speech:
    """What a running task has said so far: `lines` from `since` until `last` (None: nothing yet)."""

    key: TaskKey
    since: datetime
    lines: int
    last: datetime | None


def silent(tasks: Iterable[Speech], now: datetime) -> dict[TaskKey, datetime]:
    """The silent ones, and when each was heard last.

    Peers are the running tasks of the same role. At least half of them have to have spoken in the later half of the
    silence: when all are quiet, they wait for something together; a role that never says much is left alone.
    """
    roles: dict[str, list[Speech]] = defaultdict(list)
    for task in tasks:
        roles[task.key.role].append(task)
    return {
        task.key: task.last
        for peers in roles.values()
        for task in peers
        if task.last is not None and _has_stopped(task, task.last, now) and _others_go_on(peers, task.last, now)
    }


def _has_stopped(task: Speech, last: datetime, now: datetime) -> bool:
    if task.lines < LEAST_LINES:
        return False
    usual = max(last - task.since, timedelta(0)) / task.lines
    return now - last >= max(LEAST_QUIET, TIMES * usual)


def _others_go_on(peers: list[Speech], last: datetime, now: datetime) -> bool:
    """The task itself, which is among the peers, has not spoken."""
    middle = last + (now - last) / 2
    heard = sum(peer.last is not None and peer.last >= middle for peer in peers)
    return heard > 0 and 2 * heard >= len(peers) - 1
