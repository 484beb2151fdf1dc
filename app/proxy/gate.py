"""Who asks, and whether they may: asked of the database at most once a second for each browser."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from time import monotonic
from uuid import UUID

from app.auth import cookies
from app.context import Context
from app.proxy.headers import cookies_of, value_of
from app.services.passes import Visit

TRUSTED_SECONDS = 1.0
"""How long an answer holds: so soon is somebody out whose session or rights have ended."""
NOTED_SECONDS = 3.0
MOST = 2_000
MOST_COOKIES = 4
"""Cookies of our name that are tried; somebody may have planted others."""

Raw = Iterable[tuple[bytes, bytes]]


class Gate:
    """One for each process."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, UUID], tuple[float, Visit | None]] = OrderedDict()
        self._noted: dict[UUID, float] = {}

    async def visit(self, context: Context, headers: list[tuple[bytes, bytes]], endpoint_id: UUID) -> Visit | None:
        """Whoever sends these headers, when they may see the endpoint; None: they may not, or not any more."""
        scheme, _, token = (value_of(headers, b"authorization") or "").partition(" ")
        if scheme.lower() == "bearer":
            return await self._look(context, "token", token.strip(), endpoint_id)
        for secret in cookies_of(headers, cookies.app_cookie_name(secure=context.secure))[:MOST_COOKIES]:
            found = await self._look(context, "cookie", secret, endpoint_id)
            if found is not None:
                return found
        return None

    async def used(self, context: Context, endpoint_id: UUID) -> None:
        """Somebody uses it: noted every few seconds, so that it does not count as idle."""
        now = monotonic()
        if now - self._noted.get(endpoint_id, -NOTED_SECONDS) < NOTED_SECONDS:
            return
        self._noted[endpoint_id] = now
        await context.passes.note_request(endpoint_id)

    async def _look(self, context: Context, kind: str, secret: str, endpoint_id: UUID) -> Visit | None:
        key = (f"{kind}:{secret}", endpoint_id)
        held = self._known.get(key)
        if held is not None and monotonic() - held[0] < TRUSTED_SECONDS:
            return held[1]
        asked = monotonic()
        look = context.passes.by_token if kind == "token" else context.passes.by_cookie
        found = await look(secret, endpoint_id)
        self._known[key] = (asked, found)
        self._known.move_to_end(key)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return found
