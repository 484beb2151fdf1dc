"""Webhooks and mail subscriptions through the API: whose they are, what is refused, secrets shown once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from app.auth.seal import add_key_to_file, drop_old_keys_from_file
from app.context import build_context
from app.db.engine import Database
from app.domain.notice import NoticeKind
from app.scheduler.outbox import Outbox
from app.services.subscriptions import MOST
from tests.support.posting import Post
from tests.support.projects import make_project
from tests.support.receiver import LOOPBACK, receiver
from tests.support.web import Web, settings_for_tests, web_for_tests

HOOKS = "/api/v1/webhooks"
MAILS = "/api/v1/mail-subscriptions"
URL = "https://example.com/taas"


def body(**more: Any) -> dict[str, Any]:
    return {"url": URL, "kinds": ["failed", "succeeded"], **more}


async def made(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await client.post(HOOKS, json=body(**more))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_secret_is_shown_once(member: httpx.AsyncClient, web: Web) -> None:
    hook = await made(member)
    assert hook["secret"].startswith("whsec_")
    assert (hook["scope"], hook["project"], hook["enabled"]) == ("own", None, True)
    assert hook["kinds"] == ["succeeded", "failed"]
    again = await member.get(f"{HOOKS}/{hook['id']}")
    assert "secret" not in again.json()
    listed = (await member.get(HOOKS)).json()["items"]
    assert [item["id"] for item in listed] == [hook["id"]]
    assert hook["secret"] not in (await member.get(HOOKS)).text


async def test_somebody_elses_webhook_is_not_there_but_for_admins(
    member: httpx.AsyncClient, admin: httpx.AsyncClient, viewer: httpx.AsyncClient, web: Web
) -> None:
    hook = await made(member)
    address = f"{HOOKS}/{hook['id']}"
    async with web.client_of("eve") as eve:
        for answer in (
            await eve.get(address),
            await eve.patch(address, json={"enabled": False}),
            await eve.delete(address),
            await eve.post(f"{address}/rotate", json={}),
            await eve.post(f"{address}/test"),
            await eve.get(f"{address}/deliveries"),
            await eve.post(f"{address}/deliveries/{hook['id']}/redeliver"),
            await member.get(f"{MAILS}/{hook['id']}"),
        ):
            assert answer.status_code == 404, answer.text
        assert (await eve.get(HOOKS)).json()["items"] == []
        assert (await eve.get(HOOKS, params={"everybody": True})).status_code == 403
    everybodys = (await admin.get(HOOKS, params={"everybody": True})).json()["items"]
    assert [item["owner"] for item in everybodys] == ["mel"]
    assert (await admin.get(HOOKS)).json()["items"] == []
    assert (await admin.get(address)).status_code == 200
    assert (await viewer.post(HOOKS, json=body())).status_code == 403
    assert (await member.post(HOOKS, json=body(everything=True))).status_code == 403
    assert (await made(admin, everything=True))["scope"] == "all"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"url": "ftp://example.com"}, "/url"),
        ({"url": "http://10.0.0.1/"}, "/url"),
        ({"kinds": []}, "/kinds"),
        ({"kinds": ["test"]}, "/kinds/0"),
        ({"kinds": ["nothing"]}, "/kinds/0"),
        ({"project": "none-of-that-name"}, "/project"),
        ({"description": "x" * 201}, "/description"),
        ({"secret": "mine"}, "/secret"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_field(
    member: httpx.AsyncClient, change: dict[str, Any], pointer: str
) -> None:
    answer = await member.post(HOOKS, json=body(**change))
    assert answer.status_code == 422
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}


@pytest.mark.parametrize(("where", "address"), [(HOOKS, {"url": URL}), (MAILS, {"address": "ada@example.com"})])
@pytest.mark.parametrize("kind", ["test", "nothing"])
async def test_only_kinds_that_can_be_chosen_are_named(
    member: httpx.AsyncClient, where: str, address: dict[str, str], kind: str
) -> None:
    answer = await member.post(where, json={**address, "kinds": ["failed", kind]})
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["pointer"]) == (422, "/kinds/1")
    assert error["detail"] == (
        "kinds.1 must be one of 'started', 'succeeded', 'failed', 'stopped', 'timed_out', 'late', 'overdue', "
        f"'missed', 'slow' or 'schedule_paused', not '{kind}'."
    )


async def test_nobody_has_more_than_so_many(member: httpx.AsyncClient) -> None:
    for _ in range(MOST):
        await made(member)
    answer = await member.post(HOOKS, json=body())
    assert (answer.status_code, f"{MOST} webhooks" in answer.json()["detail"]) == (409, True)
    seen, cursor = 0, None
    while True:
        page = (await member.get(HOOKS, params={"limit": 20} | ({"cursor": cursor} if cursor else {}))).json()
        seen, cursor = seen + len(page["items"]), page["next_cursor"]
        if cursor is None:
            break
    assert seen == MOST


async def test_a_webhook_can_be_about_one_project(member: httpx.AsyncClient, web: Web) -> None:
    project = await make_project(member)
    hook = await made(member, project=project["name"])
    assert (hook["scope"], hook["project"]) == ("project", project["name"])
    both = await member.post(HOOKS, json=body(project=project["name"], everything=True))
    assert both.status_code in (403, 422)


async def test_each_is_listed_once_with_its_own_project_however_many_its_owner_has(member: httpx.AsyncClient) -> None:
    for name in ("one", "two", "three"):
        await make_project(member, name)
    about_one, about_all = await made(member, project="two"), await made(member)
    listed = (await member.get(HOOKS)).json()["items"]
    assert [(one["id"], one["project"]) for one in listed] == [(about_all["id"], None), (about_one["id"], "two")]
    for hook, project in ((about_one, "two"), (about_all, None)):
        assert (await member.get(f"{HOOKS}/{hook['id']}")).json()["project"] == project


async def test_mail_needs_a_server_and_says_so(member: httpx.AsyncClient) -> None:
    answer = await member.post(MAILS, json={"address": "ada@example.com", "kinds": ["failed"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_mail_server")
    assert "TAAS_SMTP_HOST" in answer.json()["detail"]


@pytest.fixture
async def mailing(database: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with web_for_tests(database, tmp_path, smtp_host="mail.example.com") as web, web.client_of("mel") as client:
        yield client


async def test_mail_subscriptions_come_and_go(mailing: httpx.AsyncClient) -> None:
    answer = await mailing.post(MAILS, json={"address": "ada@example.com", "kinds": ["failed"]})
    assert answer.status_code == 201, answer.text
    address = f"{MAILS}/{answer.json()['id']}"
    changed = await mailing.patch(address, json={"address": "bob@example.com", "kinds": ["late"]})
    assert (changed.json()["address"], changed.json()["kinds"]) == ("bob@example.com", ["late"])
    assert (await mailing.post(f"{address}/test")).status_code == 202
    [sent] = (await mailing.get(f"{address}/deliveries")).json()["items"]
    assert (sent["kind"], sent["state"]) == ("test", "pending")
    assert (await mailing.delete(address)).status_code == 204
    assert (await mailing.get(MAILS)).json()["items"] == []


@pytest.mark.parametrize("address", ["ada", "ada@", "a b@example.com", "ada@example.com\nBcc: eve@example.com"])
async def test_what_is_no_address_is_refused(mailing: httpx.AsyncClient, address: str) -> None:
    answer = await mailing.post(MAILS, json={"address": address, "kinds": ["failed"]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/address"


async def test_from_making_a_webhook_to_its_deliveries(database: Database, tmp_path: Path) -> None:
    post = await Post.create(database, tmp_path)
    allowed = {"webhook_allowed_networks": LOOPBACK}
    async with (
        receiver() as there,
        web_for_tests(database, tmp_path, **allowed) as web,
        web.client_of("mel") as client,
    ):
        hook = await made(client, url=there.url, kinds=["failed"], project=post.maker.name)
        address = f"{HOOKS}/{hook['id']}"
        await post.tell(NoticeKind.SUCCEEDED)
        await post.tell(NoticeKind.FAILED)
        assert await post.send() == 1
        Webhook(hook["secret"]).verify(there.got[0].body, there.got[0].headers)
        [delivery] = (await client.get(f"{address}/deliveries")).json()["items"]
        assert (delivery["type"], delivery["state"], delivery["status"]) == ("training.failed", "sent", 204)
        assert delivery["event_id"] == there.got[0].headers["webhook-id"]

        rotated = (await client.post(f"{address}/rotate", json={"keep_old": "PT1H"})).json()
        assert rotated["secret"] != hook["secret"]
        assert rotated["old_secret_until"] is not None
        again = await client.post(f"{address}/deliveries/{delivery['id']}/redeliver")
        assert (again.status_code, again.json()["state"]) == (202, "pending")
        assert await post.send() == 1
        assert there.got[1].headers["webhook-id"] == delivery["event_id"]
        for secret in (hook["secret"], rotated["secret"]):
            Webhook(secret).verify(there.got[1].body, there.got[1].headers)

        assert (await client.post(f"{address}/test")).status_code == 202
        off = await client.patch(address, json={"enabled": False})
        assert (off.json()["enabled"], off.json()["disabled_reason"]) == (False, "mel disabled it.")
        assert await post.send() == 0
        assert (await client.post(f"{address}/test")).status_code == 409
        assert (await client.post(f"{address}/deliveries/{delivery['id']}/redeliver")).status_code == 409
        on = await client.patch(address, json={"enabled": True})
        assert (on.json()["enabled"], on.json()["disabled_reason"]) == (True, "")
        assert (await client.post(f"{address}/deliveries/{hook['id']}/redeliver")).status_code == 404
        assert (await client.delete(address)).status_code == 204
        await post.tell(NoticeKind.FAILED)
        assert await post.rows() == []


async def test_a_rotation_keeps_the_old_secret_a_week_at_most(member: httpx.AsyncClient) -> None:
    hook = await made(member)
    answer = await member.post(f"{HOOKS}/{hook['id']}/rotate", json={"keep_old": "P8D"})
    assert answer.status_code == 422


async def test_metrics_tell_of_the_outbox(database: Database, tmp_path: Path) -> None:
    post = await Post.create(database, tmp_path)
    await post.webhook("http://127.0.0.1:9/")
    await post.tell()
    async with web_for_tests(database, tmp_path) as web, web.client() as client:
        shown = (await client.get("/metrics")).text
    assert "taas_outbox_pending 1.0" in shown
    assert "taas_outbox_failing 0.0" in shown


async def test_both_secrets_are_sealed_anew_with_the_rest(database: Database, tmp_path: Path) -> None:
    post = await Post.create(database, tmp_path)
    async with receiver() as there, web_for_tests(database, tmp_path, webhook_allowed_networks=LOOPBACK) as web:
        async with web.client_of("mel") as client:
            hook = await made(client, url=there.url, project=post.maker.name)
            await client.post(f"{HOOKS}/{hook['id']}/rotate", json={})
        add_key_to_file(tmp_path)
        newer = build_context(settings_for_tests(tmp_path), database)
        assert await newer.secrets.reseal() == 2
        drop_old_keys_from_file(tmp_path)
        await post.tell()
        assert await post.send(Outbox(database, newer.listener, newer.sealer, post.context.settings)) == 1
        Webhook(hook["secret"]).verify(there.got[0].body, there.got[0].headers)
