"""Sending: signed, tried again, given up, stopped by 410, and never further than the address that was checked."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from app.auth.credentials import new_webhook_secret
from app.db import deliveries
from app.db.engine import Database
from app.domain.notice import NoticeKind
from app.domain.places import webhook_secret_place
from app.domain.retries import MOST_TRIES
from app.scheduler.outbox import AT_ONCE, AT_ONCE_PER_PLACE
from app.scheduler.webhooks import Poster
from app.scheduler.worker import run_worker
from tests.support.posting import Post
from tests.support.receiver import receiver

BIG = 5_000_000


@pytest.fixture
async def post(database: Database, tmp_path: Path) -> Post:
    return await Post.create(database, tmp_path, public_url="https://taas.example.com/")


async def test_the_reference_library_verifies_what_is_sent(post: Post) -> None:
    async with receiver() as there:
        _, secret = await post.webhook(there.url)
        await post.tell(text="ümlaut “quoted”")
        assert await post.send() == 1
        [got] = there.got
    body = Webhook(secret).verify(got.body, got.headers)
    assert (body["type"], body["data"]["project"]) == ("training.failed", post.maker.name)
    assert body["data"]["url"] == f"https://taas.example.com/trainings/{body['data']['training_id']}"
    assert datetime.fromisoformat(body["timestamp"]).tzinfo is not None
    assert "private" not in got.body.decode()
    assert got.path == "/hook?a=1"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(got.body + b" ", got.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_webhook_secret()).verify(got.body, got.headers)
    [row] = await post.rows()
    assert (row["state"], row["status"], row["tries"]) == ("sent", 204, 1)


async def test_both_secrets_sign_until_the_old_one_ends(post: Post) -> None:
    async with receiver() as there:
        id_, old = await post.webhook(there.url)
        new = new_webhook_secret()
        seal = post.context.sealer.seal
        place = webhook_secret_place(id_)
        later = datetime.now(UTC) + timedelta(hours=1)
        await post.change(id_, secret=seal(new, place), old_secret=seal(old, place), old_secret_until=later)
        await post.tell()
        await post.send()
        await post.change(id_, old_secret_until=datetime.now(UTC) - timedelta(seconds=1))
        await post.tell()
        await post.send()
        during, after = there.got
    assert len(during.headers["webhook-signature"].split()) == 2
    Webhook(old).verify(during.body, during.headers)
    Webhook(new).verify(during.body, during.headers)
    Webhook(new).verify(after.body, after.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(after.body, after.headers)


async def test_what_fails_is_tried_again_with_the_same_id_and_given_up_after_a_day(post: Post) -> None:
    async with receiver() as there:
        there.answer = lambda _: web.Response(status=500, text="no\0pe")
        await post.webhook(there.url)
        await post.tell()
        assert await post.send() == 1
        assert await post.send() == 0  # not before its time
        for _ in range(MOST_TRIES - 1):
            await post.let_pass()
            assert await post.send() == 1
        await post.let_pass()
        assert await post.send() == 0
        assert len({got.headers["webhook-id"] for got in there.got}) == 1
        assert len({got.body for got in there.got}) == 1
        [row] = await post.rows()
        assert (row["state"], row["tries"], row["status"], row["answer"]) == ("failed", MOST_TRIES, 500, "no\ufffdpe")
        there.answer = lambda _: web.Response(status=200)
        async with post.context.database.transaction() as connection:
            assert await deliveries.again(connection, row["subscription_id"], row["notice_id"])
        assert await post.send() == 1
        assert there.got[-1].headers["webhook-id"] == there.got[0].headers["webhook-id"]
    [row] = await post.rows()
    assert (row["state"], row["tries"]) == ("sent", MOST_TRIES + 1)


async def test_gone_disables_the_webhook_and_gives_up_the_rest(post: Post) -> None:
    async with receiver() as there:
        there.answer = lambda _: web.Response(status=410)
        id_, _ = await post.webhook(there.url)
        for _ in range(AT_ONCE_PER_PLACE + 3):
            await post.tell()
        await post.send()
        assert await post.send() == 0
        await post.tell()
    rows = await post.rows(id_)
    assert [row["state"] for row in rows] == ["failed"] * (AT_ONCE_PER_PLACE + 3)
    assert "410 Gone" in rows[-1]["problem"]


async def test_what_was_told_while_it_was_being_disabled_is_not_sent(post: Post) -> None:
    async with receiver() as there:
        id_, _ = await post.webhook(there.url)
        await post.tell()
        await post.change(id_, disabled_at=datetime.now(UTC))
        await post.send()
        assert there.got == []
    [row] = await post.rows()
    assert (row["state"], row["problem"]) == ("failed", "It was disabled before this could be sent.")


async def test_redirects_are_not_followed(post: Post) -> None:
    async with receiver() as there:
        there.answer = lambda got: web.Response(status=302, headers={"Location": f"http://127.0.0.1:{there.port}/x"})
        await post.webhook(there.url)
        await post.tell()
        await post.send()
        assert [got.path for got in there.got] == ["/hook?a=1"]
    [row] = await post.rows()
    assert (row["state"], row["status"]) == ("pending", 302)
    assert "redirects are not followed" in row["problem"]


async def test_of_a_big_answer_only_the_beginning_is_read(post: Post) -> None:
    async with receiver() as there:
        there.answer = lambda _: web.Response(text="x" * BIG)
        await post.webhook(there.url)
        await post.tell()
        await post.send()
    [row] = await post.rows()
    assert (row["state"], len(row["answer"])) == ("sent", 1024)


async def test_a_slow_receiver_is_in_nobodys_way(post: Post) -> None:
    held = asyncio.Event()

    async def hold(_: object) -> web.Response:
        await held.wait()
        return web.Response()

    async with receiver() as slow, receiver() as quick, post.running():
        slow.answer = hold
        for _ in range(3):
            await post.webhook(slow.url)
        await post.webhook(quick.url)
        for _ in range(AT_ONCE):
            await post.tell()
        await quick.wait(AT_ONCE)
        assert len(slow.got) == AT_ONCE_PER_PLACE
        held.set()
        await slow.wait(3 * AT_ONCE)
    assert {row["state"] for row in await post.rows()} == {"sent"}


async def test_a_receiver_that_never_ends_its_answer_is_left(post: Post) -> None:
    never = asyncio.Event()

    async def wait(_: object) -> web.Response:
        await never.wait()
        return web.Response()

    async with receiver() as there:
        there.answer = wait
        await post.webhook(there.url)
        await post.tell()
        allowed = post.context.settings.webhook_allowed_networks
        await post.send(post.other(Poster(allowed, seconds=0.3)))
        never.set()
    [row] = await post.rows()
    assert (row["state"], row["problem"]) == ("pending", "No complete answer came within 0.3 seconds.")


async def test_a_worker_sends_what_is_told_without_a_cluster(post: Post) -> None:
    """The sweep is far off: it is the hint of the commit that wakes the worker."""
    settings = post.context.settings.model_copy(update={"sweep_seconds": 300.0})
    stop = asyncio.Event()
    await post.context.listener.start()
    async with receiver() as there:
        await post.webhook(there.url)
        worker = asyncio.create_task(run_worker(settings, post.context, stop))
        try:
            await post.context.listener.connected()
            await post.tell()
            await there.wait(1)
        finally:
            stop.set()
            await worker
            await post.context.listener.close()


async def test_two_workers_send_each_notice_once(post: Post) -> None:
    async with receiver() as there:
        for _ in range(4):
            await post.webhook(there.url)
        for _ in range(10):
            await post.tell()
        outboxes = [post.outbox, post.other(), post.other()]
        async with post.running(outboxes[0]):
            others = [asyncio.create_task(outbox.run()) for outbox in outboxes[1:]]
            await there.wait(40)
            for other in others:
                other.cancel()
            await asyncio.wait(others)
        assert len(there.got) == 40
    assert {(row["state"], row["tries"]) for row in await post.rows()} == {("sent", 1)}


async def test_a_worker_that_comes_back_late_changes_nothing(post: Post) -> None:
    """The claim ran out, another worker sent it; what the first one says of its own try is read over."""
    async with receiver() as there:
        await post.webhook(there.url)
        await post.tell()
        [late] = await post.outbox.claim()
        await post.let_pass()
        assert await post.send(post.other()) == 1
        there.answer = lambda _: web.Response(status=500)
        await post.outbox.deliver(late)
        assert len({got.headers["webhook-id"] for got in there.got}) == 1
    [row] = await post.rows()
    assert (row["state"], row["status"], row["tries"]) == ("sent", 204, 2)


async def test_tries_that_were_never_heard_of_come_to_an_end(post: Post) -> None:
    async with receiver() as there:
        await post.webhook(there.url)
        await post.tell()
        for _ in range(MOST_TRIES):
            assert len(await post.outbox.claim()) == 1
            await post.let_pass()
        await post.send()
        assert there.got == []
    [row] = await post.rows()
    assert (row["state"], row["tries"]) == ("failed", MOST_TRIES)
    assert row["problem"] == "The last try was never heard of again."


async def test_a_test_goes_to_one_webhook_only(post: Post) -> None:
    async with receiver() as there:
        id_, secret = await post.webhook(there.url, kinds=["succeeded"])
        await post.webhook(there.url)
        async with post.context.database.transaction() as connection:
            await deliveries.test(connection, id_)
        assert await post.send() == 1
        body = Webhook(secret).verify(there.got[0].body, there.got[0].headers)
    assert (body["type"], body["data"]["url"]) == ("webhook.test", "https://taas.example.com")
    assert json.dumps(body["data"]["project_id"]) == "null"


async def test_a_host_that_is_not_there_is_a_sentence(post: Post) -> None:
    async with receiver() as there:
        gone = there.url
    await post.webhook(gone)
    await post.tell(NoticeKind.SUCCEEDED)
    await post.send()
    [row] = await post.rows()
    assert row["problem"].startswith("The connection failed: ")
    assert (row["status"], row["state"]) == (None, "pending")
