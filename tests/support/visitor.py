"""A person's browser as far as HTTP goes: cookies, HTML wanted, forms posted from the site itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from app.domain.access import UserRole
from tests.support.web import HOST, PASSWORD, Web

BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin", "User-Agent": "Test browser"}


@asynccontextmanager
async def visitor(web: Web) -> AsyncIterator[httpx.AsyncClient]:
    """Nobody yet: not logged in."""
    transport = httpx.ASGITransport(web.app)
    async with httpx.AsyncClient(transport=transport, base_url=HOST, headers=BROWSER) as client:
        yield client


@asynccontextmanager
async def logged_in(web: Web, name: str, role: UserRole = UserRole.MEMBER) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody new, at the door and let in."""
    await web.person(name, role)
    async with visitor(web) as client:
        answer = await client.post("/login", data={"name": name, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        yield client
