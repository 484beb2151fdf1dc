"""Carrying a websocket, both ways, for as long as its viewer may look."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Origin, Subprotocol

from app.proxy.carry import NoAnswer, StillAllowed
from app.proxy.headers import upstream_of_socket, value_of
from app.telemetry import Receive, Scope, Send

LARGEST = 16 * 1024 * 1024
"""One message; as many bytes as uvicorn takes from a browser."""
REFUSED, ENDED = 1008, 1011
_CHECK_SECONDS = 1.0


async def carry_socket(
    scope: Scope, receive: Receive, send: Send, *, address: str, still_allowed: StillAllowed
) -> None:
    """Raises NoAnswer before anything was accepted."""
    await receive()  # websocket.connect
    target = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").split("?")[0]
    query = scope.get("query_string", b"").decode("latin-1")
    host = value_of(scope["headers"], b"host") or address
    try:
        # The proxy's own socket says it comes from the endpoint's page, as the browser's did.
        other = await connect(
            f"ws://{host}{target}" + (f"?{query}" if query else ""),
            host=address.rpartition(":")[0].strip("[]"),
            port=int(address.rpartition(":")[2]),
            origin=Origin(f"http://{host}"),
            subprotocols=[Subprotocol(one) for one in scope.get("subprotocols", ())] or None,
            additional_headers=[(n.decode(), v.decode("latin-1")) for n, v in upstream_of_socket(scope["headers"])],
            user_agent_header=None,
            max_size=LARGEST,
            open_timeout=10,
            compression=None,
            proxy=None,
        )
    except (OSError, TimeoutError, InvalidHandshake) as exc:
        raise NoAnswer(str(exc) or type(exc).__name__) from exc
    async with other:
        await send({"type": "websocket.accept", "subprotocol": other.subprotocol})
        await _both_ways(other, receive, send, still_allowed)


async def _both_ways(other: ClientConnection, receive: Receive, send: Send, still_allowed: StillAllowed) -> None:
    ways = {
        asyncio.create_task(_up(other, receive)),
        asyncio.create_task(_down(other, send)),
        asyncio.create_task(_watch(send, still_allowed)),
    }
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        with suppress(ConnectionClosed):
            await asyncio.gather(*ways, return_exceptions=True)


async def _up(other: ClientConnection, receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            await other.close(_code(message.get("code")), message.get("reason") or "")
            return
        text = message.get("text")
        await other.send(text if text is not None else message.get("bytes", b""))


async def _down(other: ClientConnection, send: Send) -> None:
    async for message in other:
        kind = "text" if isinstance(message, str) else "bytes"
        await send({"type": "websocket.send", kind: message})
    await send({"type": "websocket.close", "code": _code(other.close_code), "reason": other.close_reason or ""})


async def _watch(send: Send, still_allowed: StillAllowed) -> None:
    allowed = True
    while allowed:
        await asyncio.sleep(_CHECK_SECONDS)
        allowed = await still_allowed()
    await send({"type": "websocket.close", "code": REFUSED, "reason": "You may not see this any more."})


def _code(code: int | None) -> int:
    """Codes that nobody may send stand for an end without one."""
    return code if code is not None and (1000 <= code < 1004 or 1007 <= code < 1015 or code >= 3000) else 1000
