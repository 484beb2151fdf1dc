"""Hooks as things that people make, change, rotate and revoke."""

from __future__ import annotations

import json

import httpx
import pytest
from sqlalchemy import text

from tests.support.hooks import ARGS, MadeHook, deliver, make_hook, payload
from tests.support.projects import make_project
from tests.support.web import Web


@pytest.fixture
async def hook(member: httpx.AsyncClient) -> MadeHook:
    await make_project(member, args=ARGS)
    return await make_hook(member)


async def test_the_token_is_told_once(web: Web, member: httpx.AsyncClient, hook: MadeHook) -> None:
    one = await member.get(hook.api)
    assert hook.token not in one.text
    assert hook.token.startswith(one.json()["hint"])
    [listed] = (await member.get("/api/v1/projects/hello/hooks")).json()["items"]
    assert listed == one.json()
    async with web.context.database.read() as connection:
        row = (await connection.execute(text("SELECT to_jsonb(h) FROM hooks h"))).scalar_one()
        log = (await connection.execute(text("SELECT jsonb_agg(to_jsonb(a)) FROM audit_log a"))).scalar_one()
    assert hook.token not in json.dumps([row, log])


@pytest.mark.parametrize("signing", ["standard", "github"])
async def test_the_signing_secret_is_sealed(web: Web, member: httpx.AsyncClient, hook: MadeHook, signing: str) -> None:
    made = await make_hook(member, name="signed", signing=signing)
    assert made.secret
    assert made.secret not in (await member.get(made.api)).text
    kept = (await member.patch(made.api, json={"name": "renamed", "signing": signing})).json()
    assert (kept["name"], kept["secret"]) == ("renamed", None), "a secret stays when nothing is said of it"
    assert await web.context.secrets.reseal() == 0


async def test_revoked_it_is_worth_nothing(web: Web, member: httpx.AsyncClient, hook: MadeHook) -> None:
    started = (await deliver(web, hook, payload())).json()
    assert (await member.delete(hook.api)).status_code == 204
    assert (await deliver(web, hook, payload())).status_code == 404
    assert (await member.get(hook.api)).status_code == 404
    assert (await member.get(started["url"])).status_code == 200, "the records stay"


async def test_a_deleted_project_takes_its_hooks_along(web: Web, member: httpx.AsyncClient, hook: MadeHook) -> None:
    assert (await member.delete("/api/v1/projects/hello", headers={"If-Match": "*"})).status_code == 204
    assert (await deliver(web, hook, payload())).status_code == 404


async def test_hooks_are_their_owners_business(web: Web, member: httpx.AsyncClient, hook: MadeHook) -> None:
    async with web.client_of("nat") as other:
        for answer in (
            await other.get("/api/v1/projects/hello/hooks"),
            await other.get(hook.api),
            await other.get(f"{hook.api}/deliveries"),
            await other.patch(hook.api, json={"enabled": False}),
            await other.post(f"{hook.api}/rotate"),
            await other.post(f"{hook.api}/rotate-secret"),
            await other.delete(f"{hook.api}/old-token"),
            await other.delete(f"{hook.api}/old-secret"),
            await other.post(f"{hook.api}/test", json={}),
            await other.delete(hook.api),
            await other.post("/api/v1/projects/hello/hooks", json={"name": "mine"}),
        ):
            assert answer.status_code == 403


async def test_every_wrong_field_is_named(member: httpx.AsyncClient, hook: MadeHook) -> None:
    rules = [
        {"param": "ok", "path": "/a"},
        {"param": "ok", "path": "no-slash"},
        {"param": "9", "path": "/~2", "type": "integer", "default": "many"},
    ]
    body = {"name": "x", "signing": "standard", "secret": "whsec_short", "rules": rules}
    refused = await member.post("/api/v1/projects/hello/hooks", json=body)
    assert refused.status_code == 422
    assert {error["pointer"] for error in refused.json()["errors"]} == {
        "/secret",
        "/rules/1/param",
        "/rules/1/path",
        "/rules/2/param",
        "/rules/2/path",
        "/rules/2/default",
    }
    taken = await member.post("/api/v1/projects/hello/hooks", json={"name": "nightly"})
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")
    second = await make_hook(member, name="second")
    assert (await member.patch(second.api, json={"name": "nightly"})).status_code == 409
    assert (await member.patch(second.api, json={"secret": "long-enough-secret"})).status_code == 422
