"""Whose log is read next."""

from __future__ import annotations

import random
from dataclasses import replace
from uuid import UUID

import pytest

from app.db.log_claims import LogSource
from app.domain.training import TaskKey
from app.scheduler.log_queue import LogQueue
from app.scheduler.log_tail import Tail

ID = UUID(int=1)


def tail(pod: str, state: str = "running", *, served: float = 0.0, later: float = 0.0, stopping: bool = False) -> Tail:
    key = TaskKey("worker", 0)
    made = Tail(LogSource(ID, ID, 1, "ns", pod, key, state, True, None, 0, 0, 0, "", stopping))
    made.served_at, made.retry_at = served, later
    return made


def queue(*tails: Tail, now: float = 0.0) -> LogQueue:
    made = LogQueue()
    for one in tails:
        made.put(one, now)
    return made


def order(tails: LogQueue, now: float) -> tuple[list[str], list[str]]:
    """All that are over, and all that run, as they are given out."""
    over = [one.source.pod for one in iter(lambda: tails.take_over(now), None)]
    return over, [one.source.pod for one in iter(lambda: tails.take_running(now), None)]


ORDERS = [
    ("who was served longest ago", [tail("a", served=2), tail("b", served=1)], 5, [], ["b", "a"]),
    ("stopping ones first", [tail("a", served=1), tail("b", served=2, stopping=True)], 5, [], ["b", "a"]),
    ("equals as they came", [tail("a"), tail("b"), tail("c")], 5, [], ["a", "b", "c"]),
    ("what is over as it came", [tail("a", "failed"), tail("b", "succeeded"), tail("c")], 5, ["a", "b"], ["c"]),
    ("not before its time", [tail("a", later=6), tail("b", "removed", later=6)], 5, [], []),
    ("when its time has come", [tail("a", later=6), tail("b", "removed", later=6)], 6, ["b"], ["a"]),
    ("not while it is pending", [tail("a", "pending")], 5, [], []),
]


@pytest.mark.parametrize(("tails", "now", "over", "running"), [o[1:] for o in ORDERS], ids=[o[0] for o in ORDERS])
def test_the_order(tails: list[Tail], now: float, over: list[str], running: list[str]) -> None:
    assert order(queue(*tails), now) == (over, running)


def test_what_is_done_or_lost_or_dropped_is_given_to_nobody() -> None:
    done, lost, dropped = tail("done", "failed"), tail("lost"), tail("dropped")
    waiting = queue(dropped)
    waiting.drop(dropped)
    done.done = lost.lost = True
    for one in (done, lost):
        waiting.put(one, 0)
    assert (waiting.waiting, order(waiting, 1)) == (0, ([], []))


def test_what_ends_while_it_waits_changes_its_place_and_is_given_once() -> None:
    one = tail("a")
    waiting = queue(one, tail("b", later=9))
    assert waiting.waiting == 1
    one.source = replace(one.source, state="failed")
    waiting.put(one, 0)
    waiting.put(one, 0)
    assert waiting.waiting == 0
    assert order(waiting, 0) == (["a"], [])


def test_many_take_turns() -> None:
    """Whatever was put in whatever order: nobody is forgotten, and nobody is served twice before everybody was once."""
    chance = random.Random(7)
    tails = [tail(str(n), later=chance.choice([0, 0, 3])) for n in range(500)]
    waiting = queue(*tails)
    for round_ in range(1, 4):
        now = 10.0 * round_
        served = []
        while (one := waiting.take_running(now)) is not None:
            assert one.served_at < now
            one.served_at = now
            served.append(one)
        assert sorted(served, key=id) == sorted(tails, key=id)
        chance.shuffle(served)
        for one in served:
            waiting.put(one, now)
        assert waiting.waiting == len(tails)
