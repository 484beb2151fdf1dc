"""Pages of errors: within the site for whoever is logged in, and told even when nothing works."""

from __future__ import annotations

import httpx
import pytest

from app.domain.access import UserRole
from tests.support.database import PostgresForTests
from tests.support.visitor import logged_in, visitor
from tests.support.web import Web

FRAME = 'aria-label="Main"'
SEARCH = 'href="/search" data-search>Search<'


async def gone(web: Web, postgres: PostgresForTests) -> None:
    """The database takes no connections any more."""
    name = web.context.database.url.split("/")[3].split("?")[0]
    await postgres.run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    await postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")


def fails(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Searching raises what nobody expected."""

    async def broken(*_: object) -> None:
        raise RuntimeError("the secret is 1234")

    monkeypatch.setattr(type(web.context.search), "find", broken)


def framed(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status
    assert FRAME in answer.text
    assert SEARCH in answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def plain(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert FRAME not in answer.text
    assert SEARCH not in answer.text
    assert 'href="/"' in answer.text


async def test_whoever_is_logged_in_stays_in_the_site(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    async with logged_in(web, "vic", UserRole.VIEWER) as client:
        framed(await client.get("/nothing"), 404)
        framed(await client.get("/projects/nothing"), 404)
        framed(await client.get("/trainings/no-id-at-all"), 404)
        framed(await client.get("/admin/users"), 403)
        framed(await client.get("/logout"), 405)
        framed(await client.get("/search?q=" + "x" * 1001), 422)
        fails(web, monkeypatch)
        failed = await client.get("/search", headers={"X-Request-ID": "find-me"})
        framed(failed, 500)
        assert "find-me" in failed.text
        assert failed.headers["x-request-id"] == "find-me"
        assert "1234" not in failed.text


async def test_nobody_sees_no_more_than_the_words(web: Web) -> None:
    async with visitor(web) as client:
        plain(await client.get("/nothing"), 404)
        client.cookies.set("taas_session", "over", domain="127.0.0.1")
        plain(await client.get("/nothing"), 404)
        assert (await client.get("/projects/nothing")).headers["location"] == "/login?next=/projects/nothing"


async def test_it_is_told_without_a_database(
    web: Web, postgres: PostgresForTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with logged_in(web, "ada") as client:
        await gone(web, postgres)
        plain(await client.get("/projects"), 503)
        plain(await client.get("/nothing"), 404)

        async def surprised(*_: object) -> None:
            raise RuntimeError("not even this")

        monkeypatch.setattr(type(web.context.accounts), "by_session", surprised)
        plain(await client.get("/nothing"), 404)
        plain(await client.get("/projects"), 500)


async def test_a_piece_of_a_page_gets_a_piece(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    async with logged_in(web, "ada") as client, visitor(web) as nobody:
        over = await nobody.get("/search", headers={"HX-Request": "true"})
        assert (over.status_code, over.headers["hx-refresh"]) == (401, "true")
        fails(web, monkeypatch)
        piece = await client.get("/search", headers={"HX-Request": "true"})
        assert piece.status_code == 500
        assert "Something went wrong" in piece.text
        assert "<html" not in piece.text
