"""What tests of pages need besides a browser: a page's request without a server, and what a worker would write."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from starlette.requests import Request

from app.ui.page import Page
from tests.support.web import Web


async def page_of(web: Web, secret: str, path: str) -> Page:
    viewer = await web.context.accounts.by_session(secret)
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [], "app": web.app}
    return Page(Request(scope), web.context, viewer, secret)


async def write(web: Web, training_id: str, **values: Any) -> None:
    """What a worker would write of a training, with the hint that it gives."""
    moments = {name for name, value in values.items() if value is True}
    given = {name: value for name, value in values.items() if value is not True}
    sets = [f"{name} = now()" for name in moments] + [f"{name} = :{name}" for name in given]
    await run(
        web,
        f"UPDATE trainings SET status_gen = status_gen + 1, {', '.join(sets)} WHERE id = :id",
        id=training_id,
        **given,
    )
    await run(web, f"SELECT pg_notify('taas', 'trainings:{training_id}')")


async def run(web: Web, statement: str, **values: Any) -> None:
    async with web.context.database.transaction() as connection:
        await connection.execute(text(statement), values)
