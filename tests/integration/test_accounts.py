"""People: logging in and out, roles, passwords, throttling."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, text

from app.db import sessions
from app.db.engine import Database
from app.db.tables import users
from app.domain.access import UserRole
from tests.support.web import HOST, PASSWORD, Web, web_for_tests

SAME_SITE = {"Origin": HOST}


async def log_in(client: httpx.AsyncClient, name: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post("/api/v1/session", json={"name": name, "password": password}, headers=SAME_SITE)


async def test_a_browser_logs_in_and_out(web: Web) -> None:
    await web.person("mel")
    async with web.client() as browser:
        assert (await browser.get("/api/v1/session")).status_code == 401
        answer = await log_in(browser, "Mel")
        assert answer.json() == {"name": "mel", "role": "member"}
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert cookie.startswith("taas_session=")
        assert (await browser.get("/api/v1/session")).json()["name"] == "mel"
        stolen = dict(browser.cookies)
        assert (await browser.delete("/api/v1/session", headers=SAME_SITE)).status_code == 204
        assert (await browser.get("/api/v1/session")).status_code == 401
        browser.cookies.update(stolen)
        assert (await browser.get("/api/v1/session")).status_code == 401


async def test_behind_https_the_cookie_is_for_this_host_alone(database: Database, tmp_path: Path) -> None:
    async with web_for_tests(database, tmp_path, public_url="https://taas.example.com") as web:
        await web.person("mel")
        async with web.client() as browser:
            answer = await log_in(browser, "mel")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-taas=")
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        assert answer.headers["strict-transport-security"]


async def test_a_session_given_before_login_is_never_used_after_it(web: Web) -> None:
    await web.person("mel")
    async with web.client() as browser:
        browser.cookies.set("taas_session", "planted", domain="127.0.0.1")
        answer = await log_in(browser, "mel")
        assert "planted" not in answer.headers["set-cookie"]
    async with web.client() as other:
        other.cookies.set("taas_session", "planted", domain="127.0.0.1")
        assert (await other.get("/api/v1/session")).status_code == 401


@pytest.mark.parametrize(("name", "password"), [("mel", "wrong password"), ("nobody", PASSWORD), ("me\ud800l", "x")])
async def test_wrong_credentials_do_not_say_which(web: Web, name: str, password: str) -> None:
    await web.person("mel")
    async with web.client() as browser:
        body = f'{{"name": "{name}", "password": "{password}"}}'.encode("utf-8", "backslashreplace")
        answer = await browser.post("/api/v1/session", content=body, headers={"Content-Type": "application/json"})
    if "\ud800" in name:
        assert answer.status_code == 422
    else:
        assert answer.status_code == 401
        assert answer.json()["detail"] == "The name or the password is wrong."


async def test_guessing_is_throttled_even_all_at_once(web: Web) -> None:
    await web.person("mel")
    async with web.client() as browser:
        answers = await asyncio.gather(*(log_in(browser, "mel", f"guess number {n}") for n in range(20)))
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [401] * 8 + [429] * 12
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert int(refused.headers["retry-after"]) > 0
        assert (await log_in(browser, "mel")).status_code == 429


async def test_logging_in_well_does_not_count_as_guessing(web: Web) -> None:
    await web.person("mel")
    async with web.client() as browser:
        for _ in range(12):
            assert (await log_in(browser, "mel")).status_code == 200


async def test_changing_the_password_ends_the_other_sessions(web: Web) -> None:
    await web.person("mel")
    async with web.client() as here, web.client() as there:
        await log_in(here, "mel")
        await log_in(there, "mel")
        items = (await here.get("/api/v1/sessions")).json()["items"]
        assert sorted(one["current"] for one in items) == [False, True]
        (mine,) = (one["id"] for one in items if one["current"])
        elsewhere = (await there.get("/api/v1/sessions")).json()["items"]
        assert [one["id"] == mine for one in elsewhere if one["current"]] == [False]
        wrong = await here.post(
            "/api/v1/session/password",
            json={"current_password": "no", "password": "another good one"},
            headers=SAME_SITE,
        )
        assert wrong.status_code == 422
        assert wrong.json()["errors"][0]["pointer"] == "/current_password"
        done = await here.post(
            "/api/v1/session/password",
            json={"current_password": PASSWORD, "password": "another good one"},
            headers=SAME_SITE,
        )
        assert done.status_code == 204
        assert (await here.get("/api/v1/session")).status_code == 200
        assert (await there.get("/api/v1/session")).status_code == 401
        assert (await log_in(there, "mel")).status_code == 401
        assert (await log_in(there, "mel", "another good one")).status_code == 200


async def test_a_session_can_be_ended_from_elsewhere(web: Web) -> None:
    await web.person("mel")
    async with web.client() as here, web.client() as there:
        await log_in(there, "mel")
        lost = (await there.get("/api/v1/sessions")).json()["items"][0]["id"]
        await log_in(here, "mel")
        assert (await here.delete(f"/api/v1/sessions/{lost}", headers=SAME_SITE)).status_code == 204
        assert (await there.get("/api/v1/session")).status_code == 401


async def test_admins_make_change_and_disable_people(web: Web, admin: httpx.AsyncClient) -> None:
    made = await admin.post("/api/v1/users", json={"name": "new", "role": "viewer", "password": PASSWORD})
    assert made.status_code == 201, made.text
    assert made.headers["location"] == "/api/v1/users/new"
    assert "password" not in made.text
    again = await admin.post("/api/v1/users", json={"name": "new", "password": PASSWORD})
    assert again.status_code == 409
    capital = await admin.post("/api/v1/users", json={"name": "New", "password": PASSWORD})
    assert (capital.status_code, capital.json()["errors"][0]["pointer"]) == (422, "/name")
    changed = await admin.patch("/api/v1/users/new", json={"role": "member"})
    assert changed.json()["role"] == "member"
    async with web.client() as browser:
        await log_in(browser, "new")
        assert (await admin.delete("/api/v1/users/new")).status_code == 204
        assert (await browser.get("/api/v1/session")).status_code == 401
        assert (await log_in(browser, "new")).status_code == 401
        assert (await admin.patch("/api/v1/users/new", json={"disabled": False})).json()["disabled_at"] is None
        assert (await log_in(browser, "new")).status_code == 200
    assert [user["name"] for user in (await admin.get("/api/v1/users")).json()["items"]] == ["ada", "new"]


async def test_a_disabled_persons_tokens_are_worth_nothing(web: Web, admin: httpx.AsyncClient) -> None:
    async with web.client_of("mel") as member:
        assert (await member.get("/api/v1/session")).status_code == 200
        await admin.delete("/api/v1/users/mel")
        assert (await member.get("/api/v1/session")).status_code == 401


async def test_the_last_admin_stays(admin: httpx.AsyncClient) -> None:
    for answer in (
        await admin.patch("/api/v1/users/ada", json={"role": "member"}),
        await admin.delete("/api/v1/users/ada"),
    ):
        assert answer.status_code == 409
        assert "only admin left" in answer.json()["detail"]


async def test_others_may_look_but_not_administer(member: httpx.AsyncClient) -> None:
    assert (await member.get("/api/v1/users")).status_code == 200
    for answer in (
        await member.post("/api/v1/users", json={"name": "x", "password": PASSWORD}),
        await member.patch("/api/v1/users/mel", json={"role": "admin"}),
        await member.delete("/api/v1/users/mel"),
        await member.post("/api/v1/users/mel/password", json={"password": PASSWORD}),
    ):
        assert answer.status_code == 403


async def test_an_admin_gives_a_new_password(web: Web, admin: httpx.AsyncClient) -> None:
    await web.person("mel")
    async with web.client() as browser:
        await log_in(browser, "mel")
        given = await admin.post("/api/v1/users/mel/password", json={"password": "given by the admin"})
        assert given.status_code == 204
        assert (await browser.get("/api/v1/session")).status_code == 401
        assert (await log_in(browser, "mel", "given by the admin")).status_code == 200


async def test_a_weak_password_is_refused_without_repeating_it(admin: httpx.AsyncClient) -> None:
    short = await admin.post("/api/v1/users", json={"name": "x", "password": "hunter2"})
    assert short.status_code == 422
    assert short.json()["errors"][0]["detail"] == "password must have at least 10 characters."
    same = await admin.post("/api/v1/users", json={"name": "same-as-name", "password": "Same-As-Name"})
    assert same.status_code == 422
    assert same.json()["errors"][0]["pointer"] == "/password"


async def test_passwords_are_kept_as_argon2id(web: Web) -> None:
    await web.person("mel")
    async with web.context.database.read() as connection:
        stored = (await connection.execute(select(users.c.password_hash))).scalar_one()
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_the_first_start_makes_one_admin_and_a_token_file(web: Web) -> None:
    first_start, home = web.context.first_start, web.context.settings.home
    made = await asyncio.gather(*(first_start.ensure_admin() for _ in range(4)))
    (first,) = [admin for admin in made if admin]
    assert first.name == "admin"
    async with web.client() as browser:
        assert (await log_in(browser, "admin", first.password or "")).json()["role"] == "admin"
    path = await first_start.ensure_token_file(home)
    assert path == home / "admin-token"
    assert path.stat().st_mode & 0o777 == 0o600
    secret = path.read_text().strip()
    async with web.client(secret) as client:
        assert (await client.get("/api/v1/session")).json() == {"name": "admin", "role": UserRole.ADMIN}
    assert await first_start.ensure_admin() is None
    await first_start.ensure_token_file(home)
    assert path.read_text().strip() == secret
    path.unlink()
    await first_start.ensure_token_file(home)
    assert path.read_text().strip() != secret


async def test_an_expired_session_lets_nobody_in_and_goes(web: Web) -> None:
    await web.person("mel")
    async with web.client() as browser:
        await log_in(browser, "mel")
        async with web.context.database.transaction() as connection:
            assert await sessions.remove_expired(connection) == 0
            await connection.execute(text("UPDATE sessions SET expires_at = now() - interval '1 second'"))
        assert (await browser.get("/api/v1/session")).status_code == 401
        async with web.context.database.transaction() as connection:
            assert await sessions.remove_expired(connection) == 1
