"""Waiting for a condition, with a deadline that a slow and busy machine keeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

SECONDS = 150.0


async def eventually(look: Callable[[], Awaitable[Any]], *, seconds: float = SECONDS, every: float = 0.05) -> Any:
    """What `look` gives as soon as it gives something."""
    deadline = time.monotonic() + seconds
    while not (found := await look()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(every)
    return found


def wait_for(done: Callable[[], object], why: Callable[[], object] = str, *, seconds: float = SECONDS) -> None:
    """Until `done` says yes; `why` tells what was seen when it never does."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"not within {seconds} s: {why()}"
        time.sleep(0.1)
