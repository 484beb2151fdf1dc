"""Says on the terminal what is going on and for how long: a living line on a terminal, a line now and then in a log."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

EVERY = 30.0  # seconds between two lines where nobody can see a line change


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Show `text` with the seconds passed until the block ends; an exception leaves the line as failed."""
    began, done = time.monotonic(), threading.Event()
    alive = sys.stderr.isatty()
    ticker = threading.Thread(target=_tick, args=(text, began, done, alive), daemon=True)
    if not alive:
        say(f"{text} …")
    ticker.start()
    outcome = "failed after"
    try:
        yield
        outcome = "done in"
    finally:
        done.set()
        ticker.join()
        say(f"{_start(alive)}{text}: {outcome} {elapsed(began)}")


def elapsed(began: float) -> str:
    seconds = time.monotonic() - began
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def _tick(text: str, began: float, done: threading.Event, alive: bool) -> None:
    while not done.wait(1.0 if alive else EVERY):
        if alive:
            print(f"{_start(alive)}{text} … {elapsed(began)}", end="", file=sys.stderr, flush=True)
        else:
            say(f"{text} … {elapsed(began)}")


def _start(alive: bool) -> str:
    return "\r\x1b[K" if alive else ""
