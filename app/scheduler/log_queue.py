"""Whose log is read next: of those whose time has come, what has ended first come first served, what runs by its turn.

However many logs wait, taking one in or giving one out costs the logarithm of that: workers do it for each log's every
turn, with thousands waiting.
"""

from __future__ import annotations

import heapq
from itertools import count
from typing import Any

from app.scheduler.log_tail import Tail


class LogQueue:
    """Logs that nobody reads at the moment; times are those of the loop's clock."""

    def __init__(self) -> None:
        self._later: list[tuple[float, int, Tail]] = []
        self._over: list[tuple[int, int, Tail]] = []
        self._running: list[tuple[tuple[bool, float], int, Tail]] = []
        # An entry counts while its number is its log's latest: to take one out of the middle of a heap is dear.
        self._latest: dict[Tail, int] = {}
        self._numbers = count()
        self._ready: set[Tail] = set()

    @property
    def waiting(self) -> int:
        """How many running logs could be followed now, were there a place for them."""
        return len(self._ready)

    def put(self, tail: Tail, now: float) -> None:
        """Take a log in, or find its place anew after something of it has changed."""
        self.drop(tail)
        if tail.done or tail.lost or tail.source.state == "pending":
            return
        number = self._latest[tail] = next(self._numbers)
        if tail.retry_at > now:
            heapq.heappush(self._later, (tail.retry_at, number, tail))
        elif tail.source.over:
            heapq.heappush(self._over, (number, number, tail))
        else:
            self._ready.add(tail)
            heapq.heappush(self._running, ((not tail.source.stopping, tail.served_at), number, tail))

    def drop(self, tail: Tail) -> None:
        """Take it out, if it is there."""
        self._latest.pop(tail, None)
        self._ready.discard(tail)

    def take_over(self, now: float) -> Tail | None:
        """One whose task has ended and whose end is to be read; None when there is none."""
        self._ripen(now)
        return self._take(self._over)

    def take_running(self, now: float) -> Tail | None:
        """One to be followed: of a training that is being stopped, else the one that was served longest ago."""
        self._ripen(now)
        return self._take(self._running)

    def _ripen(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            _, number, tail = heapq.heappop(self._later)
            if self._latest.get(tail) == number:
                self.put(tail, now)

    def _take(self, heap: list[Any]) -> Tail | None:
        while heap:
            _, number, tail = heapq.heappop(heap)
            if self._latest.get(tail) == number:
                self.drop(tail)
                return tail  # type: ignore[no-any-return]
        return None
