"""What a call of a hook leads to: one training for each delivery, or a refusal that says why."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from app.db import hook_deliveries as rows
from app.domain.access import UserRole
from tests.support.hooks import (
    ARGS,
    MadeHook,
    deliver,
    deliveries,
    make_hook,
    payload,
    signed,
    signed_by_github,
    trainings,
)
from tests.support.pages import run
from tests.support.projects import make_project
from tests.support.web import Web


@pytest.fixture
async def hook(member: httpx.AsyncClient) -> MadeHook:
    await make_project(member, args=ARGS)
    return await make_hook(member)


async def test_a_delivery_starts_a_training_with_its_params(
    web: Web, member: httpx.AsyncClient, hook: MadeHook
) -> None:
    answer = await deliver(web, hook, payload())
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert answer.headers["location"] == f"/api/v1/trainings/{body['training']}"
    assert body["url"].endswith(answer.headers["location"])
    training = (await member.get(body["url"])).json()
    assert (training["trigger"], training["created_by"]) == ("webhook", "hook nightly")
    assert training["spec"]["params"] == {"dataset": "s3://data/today"}
    [delivery] = await deliveries(member, hook)
    assert (delivery["training_id"], delivery["status"]) == (body["training"], 202)
    assert delivery["params"] == {"dataset": "s3://data/today"}


async def test_forms_and_nothing_at_all_are_understood(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member)
    hook = await make_hook(
        member,
        rules=[
            {"param": "epochs", "path": "/epochs", "type": "integer", "default": 3},
            {"param": "note", "path": "/note", "required": False},
        ],
    )
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert (await deliver(web, hook, b"epochs=7&note=a+b", form)).status_code == 202
    assert (await deliver(web, hook, b"", {"user-agent": "curl"})).status_code == 202
    found = [one["spec"]["params"] for one in await trainings(member)]
    assert found == [{"epochs": "3"}, {"epochs": "7", "note": "a b"}]


@pytest.mark.parametrize("header", ["webhook-id", "x-github-delivery", "idempotency-key"])
async def test_fifty_at_once_with_one_id_are_one_training(
    web: Web, member: httpx.AsyncClient, hook: MadeHook, header: str
) -> None:
    headers = {"content-type": "application/json", header: "once"}
    answers = await asyncio.gather(*(deliver(web, hook, payload(), headers) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert len(await trainings(member)) == 1
    [delivery] = await deliveries(member, hook)
    assert delivery["repeats"] == 49


async def test_an_id_with_another_body_is_refused(web: Web, member: httpx.AsyncClient, hook: MadeHook) -> None:
    headers = {"content-type": "application/json", "idempotency-key": "k"}
    assert (await deliver(web, hook, payload("a"), headers)).status_code == 202
    refused = await deliver(web, hook, payload("b"), headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "delivery_id_reused")
    assert len(await trainings(member)) == 1


async def test_a_refused_delivery_may_be_sent_again(web: Web, member: httpx.AsyncClient, hook: MadeHook) -> None:
    headers = {"content-type": "application/json", "idempotency-key": "k"}
    refused = await deliver(web, hook, b'{"data": {}}', headers)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/data/path"
    assert refused.json()["detail"] == (
        "The payload has nothing at /data/path, where the parameter dataset is taken from."
    )
    assert (
        await member.patch(hook.api, json={"rules": [{"param": "dataset", "path": "/x", "default": "d"}]})
    ).is_success
    assert (await deliver(web, hook, b'{"data": {}}', headers)).status_code == 202
    assert [one["status"] for one in await deliveries(member, hook)] == [202, 422]


async def test_standard_signatures(web: Web, member: httpx.AsyncClient, hook: MadeHook) -> None:
    """Against the reference library: as signed, altered, late, early, unsigned, with another secret, replayed."""
    changed = (await member.patch(hook.api, json={"signing": "standard"})).json()
    hook = MadeHook(hook.id, hook.token, changed["secret"])
    body = payload(note="é")
    good = signed(hook, body)
    first = await deliver(web, hook, body, good)
    assert first.status_code == 202, first.text
    replayed = await deliver(web, hook, body, good)
    assert (replayed.text, replayed.headers["idempotent-replayed"]) == (first.text, "true")
    rotated = good | {"webhook-signature": "v1,bm90IHRoaXM= v2,x " + good["webhook-signature"]}
    assert (await deliver(web, hook, body, rotated)).status_code == 202
    stranger = MadeHook(hook.id, hook.token, "whsec_" + "A" * 44)
    refused = {
        "altered": (body + b" ", signed(hook, body, id_="m2")),
        "other id": (body, good | {"webhook-id": "m3"}),
        "late": (body, signed(hook, body, id_="m4", ago=timedelta(minutes=6))),
        "early": (body, signed(hook, body, id_="m5", ago=-timedelta(minutes=6))),
        "unsigned": (body, {"content-type": "application/json"}),
        "stranger": (body, signed(stranger, body, id_="m6")),
        "no time": (body, good | {"webhook-timestamp": "yesterday"}),
    }
    for case, (sent, headers) in refused.items():
        answer = await deliver(web, hook, sent, headers)
        assert (case, answer.status_code, answer.json()["code"]) == (case, 401, "bad_signature")
    assert len(await trainings(member)) == 1
    kept = await deliveries(member, hook)
    assert [one["status"] for one in kept] == [401] * 7 + [202]
    assert all(one["payload"] is None for one in kept[:7])


async def test_github_signatures_and_its_ping(web: Web, member: httpx.AsyncClient, hook: MadeHook) -> None:
    changed = await member.patch(hook.api, json={"signing": "github", "secret": "a-secret-of-ours"})
    assert changed.json()["secret"] is None
    hook = MadeHook(hook.id, hook.token, "a-secret-of-ours")
    body = payload()
    ping = await deliver(web, hook, body, signed_by_github(hook, body, event="ping", id_="p"))
    assert (ping.status_code, await trainings(member)) == (200, [])
    push = signed_by_github(hook, body)
    assert (await deliver(web, hook, body, push)).status_code == 202
    assert (await deliver(web, hook, payload("x"), push | {"x-github-delivery": "d-2"})).status_code == 401
    del push["x-hub-signature-256"]
    assert (await deliver(web, hook, body, push | {"x-github-delivery": "d-3"})).status_code == 401
    assert len(await trainings(member)) == 1


async def test_what_cannot_be_read_is_refused(web: Web, member: httpx.AsyncClient, hook: MadeHook) -> None:
    json_ = {"content-type": "application/json"}
    cases = [
        (b"{", json_, 422),
        (b"[" * 100_000, json_, 422),
        (b'{"data": {"path": NaN}}', json_, 422),
        (b'{"data": {"path": "\\ud800"}}', json_, 422),
        (b'{"data": {"path": "\\u0000"}}', json_, 422),
        (b'{"data": {"path": 5}}', json_, 422),
        (b"\xff", json_, 422),
        (b"a=\xff", {"content-type": "application/x-www-form-urlencoded"}, 422),
        (b"x", {"content-type": "text/plain"}, 415),
        (b"x", {"content-type": "application/json", "idempotency-key": "x" * 300}, 422),
        (b'{"data": "' + b"x" * 300_000 + b'"}', json_, 413),
    ]
    for body, headers, status in cases:
        answer = await deliver(web, hook, body, headers)
        assert (body[:30], answer.status_code) == (body[:30], status)
        assert answer.headers["content-type"] == "application/problem+json"
    assert await trainings(member) == []
    assert len(await deliveries(member, hook)) == len(cases)


async def test_a_body_without_a_length_is_cut_off_while_it_streams(web: Web, hook: MadeHook) -> None:
    sent = 0

    async def endless():  # type: ignore[no-untyped-def]
        nonlocal sent
        while True:
            sent += 64 * 1024
            yield b" " * 64 * 1024

    async with web.client() as client:
        answer = await client.post(hook.address, content=endless(), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    # Without a server in between, the client has made all of it that was asked for.
    assert sent <= 8 * 1024 * 1024


async def test_unknown_tokens_are_not_found_and_then_throttled(web: Web, hook: MadeHook) -> None:
    strangers = [MadeHook("", f"hk_{number}", None) for number in range(31)]
    statuses = [(await deliver(web, one, b"")).status_code for one in strangers]
    assert statuses == [404] * 30 + [429]
    assert (await deliver(web, hook, payload())).status_code == 202, "whoever knows a token is not held up"


async def test_a_hook_is_throttled(web: Web, hook: MadeHook) -> None:
    for _ in range(120):
        await web.context.hook_calls._rates.called(UUID(hook.id))
    refused = await deliver(web, hook, payload())
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1


async def test_secrets_are_not_kept(web: Web, member: httpx.AsyncClient, hook: MadeHook) -> None:
    sent = payload(
        auth={"password": "pw-1", "db_password": "pw-2", "apiKey": "pw-3"},
        tokenizer="bert",
        max_tokens=512,
        note=f"call /hooks/{hook.token} or https://me:pw-4@example.com with Bearer pw-5-abcdefg",
    )
    assert (await deliver(web, hook, sent)).status_code == 202
    [delivery] = await deliveries(member, hook)
    text = json.dumps(delivery)
    assert "pw-" not in text
    assert hook.token not in text
    assert (delivery["payload"]["tokenizer"], delivery["payload"]["data"]["path"]) == ("bert", "s3://data/today")


async def test_a_replay_is_a_new_delivery_that_says_so(web: Web, member: httpx.AsyncClient, hook: MadeHook) -> None:
    first = (await deliver(web, hook, payload(), {"content-type": "application/json", "webhook-id": "m"})).json()
    answer = await member.post(f"{hook.api}/deliveries/{first['delivery']}/replay")
    assert answer.status_code == 202, answer.text
    assert answer.json()["training"] != first["training"]
    newest = (await deliveries(member, hook))[0]
    assert (newest["replay_of"], newest["replayed_by"]) == (first["delivery"], "mel")
    assert [one["spec"]["params"] for one in await trainings(member)] == [{"dataset": "s3://data/today"}] * 2


async def test_what_was_hidden_cannot_be_replayed(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member, args=ARGS)
    hook = await make_hook(member, rules=[{"param": "dataset", "path": "/token"}])
    first = (await deliver(web, hook, b'{"token": "not kept"}')).json()
    answer = await member.post(f"{hook.api}/deliveries/{first['delivery']}/replay")
    assert answer.status_code == 422
    assert "hidden" in answer.json()["detail"]
    assert len(await trainings(member)) == 1


async def test_the_test_box_starts_nothing(member: httpx.AsyncClient, hook: MadeHook) -> None:
    good = (await member.post(f"{hook.api}/test", json={"payload": {"data": {"path": "x"}}})).json()
    assert good == {"would_start": True, "params": {"dataset": "x"}, "problems": []}
    bad = (await member.post(f"{hook.api}/test", json={"payload": {"data": {"path": 1}}})).json()
    assert bad["would_start"] is False
    assert bad["problems"][0]["pointer"] == "/data/path"
    assert (await member.patch(hook.api, json={"rules": []})).is_success
    missing = (await member.post(f"{hook.api}/test", json={})).json()
    assert missing["problems"][0]["pointer"] == "/params/dataset"
    assert await trainings(member) == []


async def test_switched_off_or_with_an_owner_who_may_not(web: Web, member: httpx.AsyncClient, hook: MadeHook) -> None:
    await member.patch(hook.api, json={"enabled": False})
    refused = await deliver(web, hook, payload())
    assert (refused.status_code, refused.json()["code"]) == (409, "hook_switched_off")
    await member.patch(hook.api, json={"enabled": True})
    await run(web, "UPDATE users SET role = 'viewer' WHERE name = 'mel'")
    assert (await deliver(web, hook, payload())).status_code == 403
    await run(web, "UPDATE users SET role = 'member', disabled_at = now() WHERE name = 'mel'")
    assert (await deliver(web, hook, payload())).status_code == 403
    async with web.client_of("root", UserRole.ADMIN) as admin:
        kept = await deliveries(admin, hook)
    assert [one["status"] for one in kept] == [403, 403, 409]
    assert all(one["answer"]["detail"] for one in kept)


async def test_a_browser_of_another_site_gets_no_further_than_anybody(web: Web, hook: MadeHook) -> None:
    """A hook looks at no login, so there is nothing that another site's page could abuse."""
    headers = {"content-type": "application/json", "origin": "https://ci.example.com", "accept": "text/html"}
    assert (await deliver(web, hook, payload(), headers)).status_code == 202
    unknown = await deliver(web, MadeHook("", "hk_none", None), b"", headers)
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "application/problem+json")


async def test_old_deliveries_go(web: Web, member: httpx.AsyncClient, hook: MadeHook) -> None:
    headers = {"content-type": "application/json", "webhook-id": "m"}
    assert (await deliver(web, hook, payload(), headers)).status_code == 202
    await run(
        web,
        "INSERT INTO hook_deliveries (id, hook_id, holds, payload, status) SELECT uuid_in(overlay(overlay("
        "md5(n::text) placing 'f' from 1) placing '7' from 13)::cstring), :hook, false, '{\"value\": 1}', 422 "
        "FROM generate_series(1, 120) n",
        hook=hook.id,
    )
    async with web.context.database.transaction() as connection:
        assert await rows.prune(connection) == 20
    found = (await member.get(f"{hook.api}/deliveries?limit=200")).json()["items"]
    assert len(found) == 101, "a hundred, and one whose id may come again"
    assert found[-1]["payload"] is None
    again = await deliver(web, hook, payload(), headers)
    assert again.headers["idempotent-replayed"] == "true"
    await run(web, "UPDATE hook_deliveries SET received_at = now() - interval '31 days'")
    async with web.context.database.transaction() as connection:
        assert await rows.prune(connection) == 101


async def test_a_start_that_the_overlap_rule_refuses_is_recorded(web: Web, member: httpx.AsyncClient) -> None:
    schedule = {"cron": "0 3 * * *", "timezone": "UTC", "overlap": "skip"}
    await make_project(member, args=ARGS, schedule=schedule)
    hook = await make_hook(member)
    assert (await deliver(web, hook, payload())).status_code == 202
    refused = await deliver(web, hook, payload())
    assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
    assert len(await trainings(member)) == 1
    newest = (await deliveries(member, hook))[0]
    assert (newest["status"], newest["answer"]["detail"]) == (409, refused.json()["detail"])
