"""New addresses and secrets of hooks: how long the ones before are accepted too, who sees it, and its early end."""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.auth.seal import add_key_to_file, drop_old_keys_from_file
from app.context import build_context
from tests.support.hooks import ARGS, MadeHook, deliver, deliveries, make_hook, payload, signed, signed_by_github
from tests.support.pages import run
from tests.support.projects import make_project
from tests.support.visitor import visitor
from tests.support.web import PASSWORD, Web

SIGN = {"standard": signed, "github": signed_by_github}
OVER = "UPDATE hooks SET old_secret_until = now() - interval '1 second', old_until = now() - interval '1 second'"


@pytest.fixture
async def hook(member: httpx.AsyncClient) -> MadeHook:
    await make_project(member, args=ARGS)
    return await make_hook(member)


async def rotate(client: httpx.AsyncClient, hook: MadeHook, what: str = "rotate", **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{hook.api}/{what}", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def in_a_day(moment: str) -> bool:
    return abs(datetime.fromisoformat(moment) - datetime.now(UTC) - timedelta(days=1)) < timedelta(minutes=1)


async def accepts(web: Web, hook: MadeHook, signing: str, id_: str) -> bool:
    body = payload()
    answer = await deliver(web, hook, body, SIGN[signing](hook, body, id_=id_))
    assert answer.status_code in {202, 401}, answer.text
    return answer.status_code == 202


@pytest.mark.parametrize("signing", ["standard", "github"])
async def test_both_secrets_are_accepted_for_a_day_and_deliveries_say_which(
    web: Web, member: httpx.AsyncClient, hook: MadeHook, signing: str
) -> None:
    first = await make_hook(member, name="signed", signing=signing)
    told = await rotate(member, first, "rotate-secret")
    second = MadeHook(first.id, first.token, told["secret"])
    assert second.secret not in {None, first.secret}
    assert told["token"] is None
    assert in_a_day(told["old_secret_until"])
    assert (await member.get(first.api)).json()["old_secret_until"] == told["old_secret_until"]
    assert await accepts(web, first, signing, "a")
    assert await accepts(web, second, signing, "b")
    assert [one["outdated"] for one in await deliveries(member, first)] == [[], ["secret"]]
    stranger = MadeHook(first.id, first.token, "whsec_" + "A" * 44)
    assert not await accepts(web, stranger, signing, "c")
    await run(web, OVER)
    assert not await accepts(web, first, signing, "d")
    assert await accepts(web, second, signing, "e")
    assert (await member.get(first.api)).json()["old_secret_until"] is None


async def test_a_changed_delivery_fits_neither_secret(web: Web, member: httpx.AsyncClient, hook: MadeHook) -> None:
    first = await make_hook(member, name="signed", signing="standard")
    second = MadeHook(first.id, first.token, (await rotate(member, first, "rotate-secret"))["secret"])
    for one in (first, second):
        for sent, ago in ((payload("other"), timedelta()), (payload(), timedelta(minutes=6))):
            answer = await deliver(web, one, sent, signed(one, payload(), ago=ago))
            assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")


async def test_a_secret_ends_at_once_when_asked_early_when_asked_and_with_the_next(
    web: Web, member: httpx.AsyncClient, hook: MadeHook
) -> None:
    first = await make_hook(member, name="signed", signing="standard")
    told = await rotate(member, first, "rotate-secret", overlap="PT0S")
    second = MadeHook(first.id, first.token, told["secret"])
    assert told["old_secret_until"] is None
    assert not await accepts(web, first, "standard", "a")

    third = MadeHook(first.id, first.token, (await rotate(member, first, "rotate-secret", overlap="P7D"))["secret"])
    assert await accepts(web, second, "standard", "b")
    ended = await member.delete(f"{first.api}/old-secret")
    assert (ended.status_code, ended.json()["old_secret_until"]) == (200, None)
    assert not await accepts(web, second, "standard", "c")
    assert (await member.delete(f"{first.api}/old-secret")).status_code == 200, "nothing is left to end"

    own = "whsec_" + "B" * 44
    told = await rotate(member, first, "rotate-secret", secret=own)
    assert told["secret"] is None, "whoever gave it knows it"
    fourth = MadeHook(first.id, first.token, own)
    assert await accepts(web, fourth, "standard", "d")
    assert await accepts(web, third, "standard", "e")
    await rotate(member, first, "rotate-secret")
    assert not await accepts(web, third, "standard", "f"), "at most two are accepted"
    assert await accepts(web, fourth, "standard", "g")


async def test_changing_the_hook_changes_over_in_the_same_way(
    web: Web, member: httpx.AsyncClient, hook: MadeHook
) -> None:
    first = await make_hook(member, name="signed", signing="standard")
    own = "whsec_" + "C" * 44
    changed = (await member.patch(first.api, json={"secret": own})).json()
    assert in_a_day(changed["old_secret_until"])
    assert await accepts(web, first, "standard", "a")
    assert await accepts(web, MadeHook(first.id, first.token, own), "standard", "b")
    other_way = (await member.patch(first.api, json={"signing": "github"})).json()
    assert other_way["old_secret_until"] is None, "what signed in another way is of no use to this one"
    assert not await accepts(web, first, "github", "c")
    unsigned = (await member.patch(first.api, json={"signing": "none"})).json()
    assert unsigned["old_secret_until"] is None
    refused = await member.post(f"{first.api}/rotate-secret")
    assert (refused.status_code, refused.json()["code"]) == (409, "hook_not_signed")


async def test_both_addresses_are_accepted_for_a_while(web: Web, member: httpx.AsyncClient, hook: MadeHook) -> None:
    told = await rotate(member, hook)
    second = MadeHook(hook.id, told["token"], None)
    assert in_a_day(told["old_until"])
    for one in (hook, second):
        assert (await deliver(web, one, payload())).status_code == 202
    assert [one["outdated"] for one in await deliveries(member, hook)] == [[], ["token"]]
    await run(web, OVER)
    assert (await deliver(web, hook, payload())).status_code == 404
    third = MadeHook(hook.id, (await rotate(member, hook, overlap="PT1H"))["token"], None)
    assert (await deliver(web, second, payload())).status_code == 202
    assert (await member.delete(f"{hook.api}/old-token")).json()["old_until"] is None
    assert (await deliver(web, second, payload())).status_code == 404
    await rotate(member, hook, overlap="PT0S")
    assert (await deliver(web, third, payload())).status_code == 404


@pytest.mark.parametrize("what", ["rotate", "rotate-secret"])
@pytest.mark.parametrize("overlap", ["P8D", "-PT1H", 60, None])
async def test_an_overlap_that_is_too_long_or_none_is_named(
    member: httpx.AsyncClient, hook: MadeHook, what: str, overlap: Any
) -> None:
    refused = await member.post(f"{hook.api}/{what}", json={"overlap": overlap})
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/overlap"]


async def test_a_secret_that_cannot_be_used_is_named(member: httpx.AsyncClient, hook: MadeHook) -> None:
    made = await make_hook(member, name="signed", signing="standard")
    refused = await member.post(f"{made.api}/rotate-secret", json={"secret": "whsec_short"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/secret")


async def test_the_old_secret_is_hidden_in_records_and_sealed_anew(
    web: Web, member: httpx.AsyncClient, hook: MadeHook
) -> None:
    first = await make_hook(member, name="signed", signing="github")
    second = await rotate(member, first, "rotate-secret")
    body = payload(note=f"{first.secret} and {second['secret']}")
    assert (await deliver(web, first, body, signed_by_github(first, body))).status_code == 202
    [delivery] = await deliveries(member, first)
    assert delivery["payload"]["note"] == "(hidden) and (hidden)"
    add_key_to_file(web.context.settings.home)
    newer = build_context(web.context.settings, web.context.database)
    assert await newer.secrets.reseal() == 2
    drop_old_keys_from_file(web.context.settings.home)
    assert await accepts(web, first, "github", "z")


async def test_the_page_says_until_when_and_ends_it(web: Web, member: httpx.AsyncClient, hook: MadeHook) -> None:
    made = await make_hook(member, name="signed", signing="standard")
    page = f"/projects/hello/hooks/{made.id}"
    async with visitor(web) as client:
        await client.post("/login", data={"name": "mel", "password": PASSWORD})
        assert "Changing over" not in (await client.get(page)).text
        rotated = html.unescape(
            (await client.post(f"{page}/rotate-secret", data={"overlap": "day", "secret": ""})).text
        )
        assert "whsec_" in rotated
        assert "The secret before is accepted too, until" in rotated
        assert await accepts(web, made, "standard", "a")
        assert "with the old secret" in (await client.get(page)).text
        moved = html.unescape((await client.post(f"{page}/rotate", data={"overlap": "hour"})).text)
        assert "The address before is accepted too, until" in moved
        ended = await client.post(f"{page}/end-old/secret")
        assert ended.headers["location"] == f"{page}?done=old-secret"
        shown = (await client.get(ended.headers["location"])).text
        assert "The secret before is not accepted any more." in shown
        assert "The secret before is accepted too" not in shown
        assert not await accepts(web, made, "standard", "b")
        await client.post(f"{page}/end-old/token")
        assert (await deliver(web, made, payload())).status_code == 404
        wrong = await client.post(f"{page}/rotate-secret", data={"overlap": "day", "secret": "short"})
        assert (wrong.status_code, "24 to 64 bytes" in wrong.text) == (422, True)
        assert (await client.post(f"{page}/rotate", data={"overlap": "for ever"})).status_code == 422
