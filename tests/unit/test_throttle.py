"""How attempts to log in are counted."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from limits.aio.storage import MemoryStorage

from app.errors import TooManyRequests
from app.services.throttle import LoginThrottle


async def test_whoever_gets_in_does_not_disturb_the_sweep_of_old_attempts() -> None:
    """The sweep has begun with the keys that were there, and finds one of them gone."""
    throttle = LoginThrottle()
    await throttle.attempt("ada", "10.0.0.1")
    sweep = cast(MemoryStorage, throttle._limiter.storage).timer
    assert sweep is not None
    await asyncio.sleep(0)  # begins it
    await throttle.succeeded("ada", "10.0.0.1")
    await sweep


async def test_whoever_gets_in_begins_anew_and_whoever_guesses_does_not() -> None:
    throttle = LoginThrottle()
    for _ in range(7):
        await throttle.attempt("ada", "10.0.0.1")
    await throttle.succeeded("ada", "10.0.0.1")
    for _ in range(8):
        await throttle.attempt("ada", "10.0.0.1")
    with pytest.raises(TooManyRequests, match=r"Try again in (2..|300) seconds"):
        await throttle.attempt("ada", "10.0.0.1")
    await throttle.attempt("mel", "10.0.0.1")
