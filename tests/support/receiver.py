"""A receiver of webhooks on loopback that answers as a test wants."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

LOOPBACK = "127.0.0.0/8"


@dataclass
class Received:
    """One request as it came."""

    headers: dict[str, str]
    body: bytes
    path: str


@dataclass
class Receiver:
    """`answer` makes the answer; set it before or between requests."""

    port: int = 0
    got: list[Received] = field(default_factory=list)
    answer: Callable[[Received], Awaitable[web.StreamResponse] | web.StreamResponse] = field(
        default=lambda _: web.Response(status=204)
    )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?a=1"

    async def wait(self, count: int) -> list[Received]:
        """Everything that came, once it is so many."""
        async with asyncio.timeout(60):
            while len(self.got) < count:
                await asyncio.sleep(0.02)
        return self.got

    async def _take(self, request: web.Request) -> web.StreamResponse:
        received = Received(dict(request.headers), await request.read(), request.path_qs)
        self.got.append(received)
        made = self.answer(received)
        return made if isinstance(made, web.StreamResponse) else await made


@asynccontextmanager
async def receiver(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    found = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found._take)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    found.port = runner.addresses[0][1]
    try:
        yield found
    finally:
        await runner.cleanup()
