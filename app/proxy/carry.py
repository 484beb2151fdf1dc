"""Carrying one HTTP request to an endpoint and its answer back, piece by piece: nothing is held in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import httpx

from app.proxy.headers import downstream, upstream, value_of
from app.telemetry import Receive, Scope, Send

LIMITS = httpx.Limits(max_connections=500, max_keepalive_connections=100)
TIMEOUT = httpx.Timeout(300, connect=5, pool=10)

StillAllowed = Callable[[], Awaitable[bool]]


class NoAnswer(Exception):
    """The endpoint cannot be reached, or said nothing in time; nothing was sent to the browser yet."""


class Carrier:
    """One pool of connections for all endpoints of a process."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(limits=LIMITS, timeout=TIMEOUT, trust_env=False, follow_redirects=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def carry(
        self, scope: Scope, receive: Receive, send: Send, *, address: str, still_allowed: StillAllowed
    ) -> None:
        """Raises NoAnswer. A long answer is cut off once `still_allowed` says no."""
        request = self._client.build_request(
            scope["method"],
            httpx.URL(f"http://{address}", raw_path=_target(scope)),
            headers=[*upstream(scope["headers"])],
            content=_body(receive) if _has_body(scope) else None,
        )
        try:
            response = await self._client.send(request, stream=True)
        except httpx.HTTPError as exc:
            raise NoAnswer(str(exc) or type(exc).__name__) from exc
        gone = asyncio.create_task(_gone(receive))
        pump = asyncio.create_task(_pump(response, send, address, still_allowed))
        try:
            await asyncio.wait({gone, pump}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (gone, pump):
                task.cancel()
            with suppress(asyncio.CancelledError):
                await gone
            try:
                with suppress(asyncio.CancelledError):
                    await pump
            finally:
                await response.aclose()


class Cut(Exception):
    """The answer ends in its middle: the browser sees a broken connection, not a short page."""


async def _pump(response: httpx.Response, send: Send, address: str, still_allowed: StillAllowed) -> None:
    headers = downstream(response.headers.raw, address=address)
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    try:
        async for piece in response.aiter_raw():
            if not await still_allowed():
                raise Cut("The viewer's rights have ended.")
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    except httpx.HTTPError as exc:
        raise Cut(str(exc)) from exc
    await send({"type": "http.response.body", "body": b""})


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise httpx.WriteError("The browser went away.")
        more = message.get("more_body", False)
        if piece := message.get("body", b""):
            yield piece


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _has_body(scope: Scope) -> bool:
    length = value_of(scope["headers"], b"content-length")
    return value_of(scope["headers"], b"transfer-encoding") is not None or (length or "0") != "0"


def _target(scope: Scope) -> bytes:
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope.get("query_string", b"")
    return path.split(b"?")[0] + (b"?" + query if query else b"")
