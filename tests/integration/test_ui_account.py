"""Logging in and out, and the account page, through forms as a browser posts them."""

from __future__ import annotations

import re

import pytest

from app.ui.page import safe_next
from tests.support.visitor import logged_in, visitor
from tests.support.web import PASSWORD, Web

HOSTILE = "<script>alert(1)</script>"


async def test_nobody_is_sent_to_the_door_and_back(web: Web) -> None:
    await web.person("ada")
    async with visitor(web) as client:
        away = await client.get("/account?done=password")
        assert away.status_code == 303
        assert away.headers["location"] == "/login?next=/account%3Fdone%3Dpassword"
        door = await client.get(away.headers["location"])
        assert 'value="/account?done=password"' in door.text
        form = {"name": "ada", "password": PASSWORD, "next": "/account?done=password"}
        let_in = await client.post("/login", data=form)
        assert let_in.headers["location"] == "/account?done=password"
        assert "Your password was changed" in (await client.get(let_in.headers["location"])).text
        assert (await client.get("/login?next=/account")).headers["location"] == "/account"


async def test_a_wrong_password_says_so_and_keeps_the_name(web: Web) -> None:
    await web.person("ada")
    async with visitor(web) as client:
        answer = await client.post("/login", data={"name": "ada" + HOSTILE, "password": "wrong"})
        assert answer.status_code == 422
        assert "The name or the password is wrong." in answer.text
        assert HOSTILE not in answer.text
        assert "ada&lt;script&gt;" in answer.text
        assert (await client.post("/login", data={"name": "a\0b", "password": "\0"})).status_code == 422
        assert (await client.post("/login")).status_code == 422


async def test_another_sites_form_logs_nobody_in(web: Web) -> None:
    await web.person("ada")
    async with visitor(web) as client:
        headers = {"Sec-Fetch-Site": "cross-site"}
        answer = await client.post("/login", data={"name": "ada", "password": PASSWORD}, headers=headers)
        assert answer.status_code == 403


async def test_logging_out_ends_the_session(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        cookies = dict(client.cookies)
        assert (await client.post("/logout")).headers["location"] == "/login"
        client.cookies.update(cookies)
        assert (await client.get("/account")).status_code == 303


async def test_which_session_is_this_one_and_which_token_is_over(web: Web) -> None:
    async with logged_in(web, "ada") as client, visitor(web) as other:
        await other.post("/login", data={"name": "ada", "password": PASSWORD})
        made = {"name": "short", "expires_in": "PT0.001S"}
        assert (await client.post("/api/v1/tokens", json=made)).status_code == 201
        page = (await client.get("/account")).text
        assert page.count("this one") == 1
        assert page.count("expired <time") == 1


async def test_a_token_is_shown_once_and_can_be_revoked(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        assert "No tokens yet" in (await client.get("/account")).text
        made = await client.post("/account/tokens", data={"name": HOSTILE, "lifetime": "30"})
        secret = re.search(r'id="token-secret">(taas_[\w-]+)<', made.text)
        assert secret is not None
        assert HOSTILE not in made.text
        async with web.client(secret[1]) as program:
            assert (await program.get("/api/v1/tokens")).status_code == 200
        again = await client.get("/account")
        assert secret[1] not in again.text
        revoke = re.search(r'action="(/account/tokens/[0-9a-f-]+/revoke)"', again.text)
        assert revoke is not None
        assert (await client.post(revoke[1])).headers["location"] == "/account?done=revoked"
        assert (await client.post(revoke[1])).headers["location"] == "/account?done=revoked"
        async with web.client(secret[1]) as program:
            assert (await program.get("/api/v1/tokens")).status_code == 401


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        ({"name": " ", "lifetime": "30"}, 422, "The name has 0 characters; use 1 to 63."),
        ({"name": "x", "lifetime": "7"}, 422, "Choose one of the lifetimes."),
        ({"name": "taken", "lifetime": ""}, 409, "You have a token named taken already"),
    ],
)
async def test_a_token_form_that_is_wrong_says_what(web: Web, form: dict[str, str], status: int, words: str) -> None:
    async with logged_in(web, "ada") as client:
        await client.post("/account/tokens", data={"name": "taken", "lifetime": ""})
        answer = await client.post("/account/tokens", data=form)
        assert answer.status_code == status
        assert words in answer.text
        assert 'aria-invalid="true"' in answer.text


async def test_the_password_changes_and_other_sessions_end(web: Web) -> None:
    async with logged_in(web, "ada") as client, visitor(web) as other:
        await other.post("/login", data={"name": "ada", "password": PASSWORD})
        wrong = await client.post("/account/password", data={"current": "no", "new": "another good one"})
        assert wrong.status_code == 422
        assert "The current password is wrong." in wrong.text
        weak = await client.post("/account/password", data={"current": PASSWORD, "new": "short"})
        assert "choose between 10 and 256" in weak.text
        good = await client.post("/account/password", data={"current": PASSWORD, "new": "another good one"})
        assert good.headers["location"] == "/account?done=password"
        assert (await client.get("/account")).status_code == 200
        assert (await other.get("/account")).status_code == 303


async def test_a_session_can_be_ended_from_another(web: Web) -> None:
    async with logged_in(web, "ada") as client, visitor(web) as other:
        await other.post("/login", data={"name": "ada", "password": PASSWORD})
        ends = re.findall(r'action="(/account/sessions/[0-9a-f-]+/end)"', (await client.get("/account")).text)
        assert len(ends) == 2
        for end in ends:
            await client.post(end)
        assert (await other.get("/account")).status_code == 303


async def test_errors_have_a_page_for_browsers_and_json_for_programs(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        page = await client.get("/nothing/here")
        assert page.status_code == 404
        assert "<h1>Not found</h1>" in page.text
        answer = await client.get("/api/v1/nothing")
        assert answer.headers["content-type"] == "application/problem+json"


async def test_files_with_a_hash_are_kept_and_pages_are_not(web: Web) -> None:
    async with visitor(web) as client:
        page = await client.get("/login")
        assert page.headers["cache-control"] == "no-store"
        assert "script-src" not in page.headers["content-security-policy"]
        for address in set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page.text)):
            found = await client.get(address)
            assert found.status_code == 200, address
            assert "immutable" in found.headers["cache-control"]
        assert (await client.get("/static/app.css")).headers["cache-control"] == "no-cache"
        assert (await client.get("/static/../render.py")).status_code == 404


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("/projects?x=1#y", "/projects?x=1#y"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("/\tx", "/"),
        ("projects", "/"),
    ],
)
def test_nobody_is_sent_elsewhere(address: str, safe: str) -> None:
    assert safe_next(address) == safe
