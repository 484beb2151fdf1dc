"""The web application over a test's own database, without a server: httpx calls it directly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from fastapi import FastAPI
from starlette.routing import BaseRoute

from app.context import Context, build_context
from app.db.engine import Database
from app.domain.access import Principal, UserRole
from app.main import create_app
from app.settings import Settings

HOST = "http://127.0.0.1:8000"
PASSWORD = "correct horse battery"


def settings_for_tests(home: Path, **changes: object) -> Settings:
    """Settings that take nothing from the environment of whoever runs the tests."""
    return Settings(_env_file=None, home=home, **changes)  # type: ignore[call-arg, arg-type]


@dataclass(frozen=True)
class Web:
    """The application and ways to call it."""

    app: FastAPI
    context: Context

    def client(self, token: str | None = None) -> httpx.AsyncClient:
        """A program's client; with a token it acts for somebody."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url=HOST,
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )

    async def person(self, name: str, role: UserRole = UserRole.MEMBER) -> Principal:
        """Somebody new, whose password is `PASSWORD`."""
        user = await self.context.accounts.add(name=name, role=role, password=PASSWORD, actor="test")
        return Principal(user.id, user.name, user.role)

    @asynccontextmanager
    async def client_of(self, name: str, role: UserRole = UserRole.MEMBER) -> AsyncIterator[httpx.AsyncClient]:
        """A client that acts for somebody new."""
        _, secret = await self.context.tokens.create(await self.person(name, role), "test", None)
        async with self.client(secret) as client:
            yield client


@asynccontextmanager
async def web_for_tests(database: Database, home: Path, **changes: object) -> AsyncIterator[Web]:
    settings = settings_for_tests(home, **changes)
    context = build_context(settings, database)
    await context.listener.start()
    try:
        yield Web(_app(settings, context), context)
    finally:
        context.closing.set()
        await context.listener.close()


def _app(settings: Settings, context: Context) -> FastAPI:
    """FastAPI works out what a route depends on at its first use, in each application anew: tests share that."""
    app = create_app(settings, context)
    _routes.extend([] if _routes else app.router.routes)
    app.router.routes[:] = _routes
    return app


_routes: list[BaseRoute] = []
