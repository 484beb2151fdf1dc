"""API tokens through the API."""

from __future__ import annotations

from datetime import timedelta

import httpx
from sqlalchemy import select, text

from app.db.tables import tokens
from app.domain.access import UserRole
from tests.support.web import Web


async def test_a_token_is_shown_once_and_lets_its_person_in(web: Web, member: httpx.AsyncClient) -> None:
    made = await member.post("/api/v1/tokens", json={"name": "ci", "expires_in": "P30D"})
    assert made.status_code == 201, made.text
    secret = made.json()["token"]
    assert secret.startswith("taas_")
    async with web.client(secret) as client:
        listed = (await client.get("/api/v1/tokens")).json()
    assert [item["name"] for item in listed["items"]] == ["ci", "test"]
    assert listed["next_cursor"] is None
    assert secret not in str(listed)
    assert secret.startswith(listed["items"][0]["prefix"])


async def test_only_a_digest_is_stored(web: Web, member: httpx.AsyncClient) -> None:
    secret = (await member.post("/api/v1/tokens", json={"name": "ci"})).json()["token"]
    async with web.context.database.read() as connection:
        rows = (await connection.execute(select(text("tokens::text")).select_from(tokens))).scalars().all()
    assert rows
    assert all(secret not in row and secret.encode().hex() not in row for row in rows)


async def test_a_revoked_token_is_worth_nothing_at_once(web: Web, member: httpx.AsyncClient) -> None:
    made = (await member.post("/api/v1/tokens", json={"name": "ci"})).json()
    async with web.client(made["token"]) as client:
        assert (await client.get("/api/v1/tokens")).status_code == 200
        assert (await member.delete(f"/api/v1/tokens/{made['id']}")).status_code == 204
        refused = await client.get("/api/v1/tokens")
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["www-authenticate"].startswith("Bearer")


async def test_an_expired_token_is_refused(web: Web) -> None:
    _, secret = await web.context.tokens.create(await web.person("may"), "old", timedelta(seconds=-1))
    async with web.client(secret) as client:
        assert (await client.get("/api/v1/tokens")).status_code == 401


async def test_nobody_sees_or_revokes_somebody_elses(web: Web, member: httpx.AsyncClient) -> None:
    made = (await member.post("/api/v1/tokens", json={"name": "ci"})).json()
    async with web.client_of("eve", UserRole.ADMIN) as eve:
        assert [item["name"] for item in (await eve.get("/api/v1/tokens")).json()["items"]] == ["test"]
        assert (await eve.delete(f"/api/v1/tokens/{made['id']}")).status_code == 404


async def test_a_name_in_use_is_a_conflict_with_a_remedy(member: httpx.AsyncClient) -> None:
    await member.post("/api/v1/tokens", json={"name": "ci"})
    again = await member.post("/api/v1/tokens", json={"name": "ci"})
    assert again.status_code == 409
    assert "choose another name" in again.json()["detail"]


async def test_pages_follow_each_other_and_a_cursor_belongs_to_its_list(web: Web, member: httpx.AsyncClient) -> None:
    for number in range(5):
        await member.post("/api/v1/tokens", json={"name": f"n{number}"})
    names: list[str] = []
    params: dict[str, str | int] = {"limit": 2}
    while True:
        page = (await member.get("/api/v1/tokens", params=params)).json()
        names += [item["name"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert names == ["n4", "n3", "n2", "n1", "n0", "test"]
    for cursor in ("", "x", "AAAA", str(params["cursor"]) + "A", "W10", "WyJ4IiwxXQ", "é"):
        refused = await member.get("/api/v1/tokens", params={"cursor": cursor})
        assert refused.status_code == 422, cursor
        assert refused.json()["code"] == "bad_cursor"
        assert [(error["where"], error["pointer"]) for error in refused.json()["errors"]] == [("query", "/cursor")]
    other_filter = await member.get("/api/v1/tokens", params={"cursor": params["cursor"], "state": "x"})
    assert other_filter.status_code == 422


async def test_what_is_wrong_is_said_field_by_field(member: httpx.AsyncClient) -> None:
    refused = await member.post("/api/v1/tokens", json={"nam": "x", "expires_in": "soon"})
    assert refused.status_code == 422
    problem = refused.json()
    assert problem["type"] == "urn:taas:problem:invalid_input"
    details = {error["pointer"]: error["detail"] for error in problem["errors"]}
    assert details["/name"] == "name is required."
    assert details["/nam"] == "nam is not a field of this; check its spelling."
    assert details["/expires_in"] == "expires_in must be an ISO 8601 duration such as PT30M, not 'soon'."
    assert problem["request_id"] == refused.headers["x-request-id"]
