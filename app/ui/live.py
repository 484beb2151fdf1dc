"""Pages that keep themselves current: one stream a page, which sends a part again when its HTML has changed.

Hints from the database wake it; as a hint may be lost, it also looks by itself. What is sent is the whole part in its
present state, so a lost or doubled message does no harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from fastapi.sse import ServerSentEvent

from app.errors import NotAuthenticated
from app.ui.page import Page
from app.ui.render import partial

# Between two looks at the same rows: bursts of changes become one message.
GATHER_SECONDS = 0.2
# Without any hint.
LOOK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Frame:
    """The parts of a page by the id of their element. `over`: nothing of it will change again."""

    parts: Mapping[str, str]
    over: bool = False


class Pulse:
    """Waits for whatever should make a page look again."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._again = asyncio.Event()
        self._closing = False

    async def listen(self, channel: str, only: str | None = None) -> None:
        """Wake for hints of `channel` (about `only`, when given) for ever; run it as a task."""
        with self._page.context.listener.subscribe(channel) as subscription:
            while True:
                ids = await subscription.take()
                if only is None or only in ids or "*" in ids:
                    self._again.set()

    async def closing(self) -> None:
        """Wake when the process is about to end; run it as a task."""
        await self._page.context.closing.wait()
        self._closing = True
        self._again.set()

    async def next(self) -> bool:
        """Wait until it is time to look. False when the stream should end: the process does, or the session has."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self._again.wait()
        if not self._again.is_set() and not await self._allowed():
            return False
        self._again.clear()
        return not self._closing

    async def _allowed(self) -> bool:
        try:
            await self._page.context.accounts.by_session(self._page.secret)
        except NotAuthenticated:
            return False
        return True


async def frames(
    page: Page,
    look: Callable[[], Awaitable[Frame]],
    *,
    channel: str,
    only: str | None = None,
    also: tuple[str, str] | None = None,
    gather: float = GATHER_SECONDS,
) -> AsyncIterator[ServerSentEvent]:
    """Messages for htmx: every part when it first differs from what was sent before, `done` when it is over.

    Hints come by `channel` (about `only`, when given) and by a second one, `also`, with what it must be about. At most
    one message every `gather` seconds.
    """
    pulse = Pulse(page)
    tasks = [asyncio.create_task(pulse.listen(channel, only)), asyncio.create_task(pulse.closing())]
    if also is not None:
        tasks.append(asyncio.create_task(pulse.listen(*also)))
    sent: dict[str, str] = {}
    try:
        while True:
            frame = await look()
            changed = {target: html for target, html in frame.parts.items() if sent.get(target) != html}
            if changed:
                yield ServerSentEvent(raw_data="\n".join(partial(*part) for part in changed.items()))
                sent.update(changed)
            if frame.over:
                yield ServerSentEvent(event="done", raw_data="-")
                return
            await asyncio.sleep(gather)
            if not await pulse.next():
                return
    finally:
        for task in tasks:
            task.cancel()
