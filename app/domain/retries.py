"""When a notice that did not arrive is tried again: soon at first, then ever later, over about a day."""

from __future__ import annotations

from datetime import timedelta

MOST_TRIES = 10
_WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600, 3 * 3600, 7 * 3600, 12 * 3600))
_SPREAD = 0.2


def wait_after(failures: int, chance: float) -> timedelta:
    """How long to wait after so many failures in a row. `chance` (0 to 1) spreads tries that failed together."""
    wait = _WAITS[min(failures, len(_WAITS)) - 1]
    return wait * (1 - _SPREAD + 2 * _SPREAD * chance)
