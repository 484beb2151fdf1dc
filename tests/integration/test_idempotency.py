"""Idempotency-Key, on a route of the test's own that counts how often it really works."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import text

from app.api.deps import Ctx, Me
from app.api.idempotency import Made, Once
from app.db import idempotency
from app.db.engine import OutcomeUnknown
from app.db.idempotency import KeyScope
from app.db.ids import new_id
from app.errors import Conflict
from tests.support.web import Web

ADDRESS = "/api/v1/for-tests"
KEY = {"Idempotency-Key": "k-1"}


class Thing(BaseModel):
    number: int


@dataclass
class Counter:
    """How often the work was done; it waits for `gate` and raises `failure`."""

    done: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    failure: Exception | None = None


@pytest.fixture
def counter(web: Web) -> Counter:
    found = Counter()
    found.gate.set()
    router = APIRouter()

    @router.post(ADDRESS, response_model=Thing)
    async def make(body: Thing, me: Me, context: Ctx, once: Once):  # type: ignore[no-untyped-def]
        async def work() -> Made:
            await found.gate.wait()
            if found.failure:
                raise found.failure
            found.done += 1
            return Made(Thing(number=found.done), 202, {"Location": f"/things/{found.done}"})

        return await once.answer(work)

    web.app.include_router(router)
    return found


async def test_fifty_at_once_do_it_once(member: httpx.AsyncClient, counter: Counter) -> None:
    counter.gate.clear()
    posts = [asyncio.create_task(member.post(ADDRESS, json={"number": 1}, headers=KEY)) for _ in range(50)]
    done, _ = await asyncio.wait(posts, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    assert done
    assert all(task.result().status_code == 409 for task in done)
    counter.gate.set()
    answers = await asyncio.gather(*posts)
    assert counter.done == 1
    assert sorted({answer.status_code for answer in answers}) == [202, 409]
    assert {answer.text for answer in answers if answer.status_code == 202} == {'{"number":1}'}
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"idempotency_in_progress"}


async def test_the_first_answer_is_repeated_whole(member: httpx.AsyncClient, counter: Counter) -> None:
    first = await member.post(ADDRESS, json={"number": 1}, headers=KEY)
    again = await member.post(ADDRESS, json={"number": 1}, headers=KEY)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["location"] == first.headers["location"] == "/things/1"
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers


async def test_another_body_under_the_same_key_is_refused(member: httpx.AsyncClient, counter: Counter) -> None:
    await member.post(ADDRESS, json={"number": 1}, headers=KEY)
    other = await member.post(ADDRESS, json={"number": 2}, headers=KEY)
    assert other.status_code == 422
    assert other.json()["code"] == "idempotency_key_reused"
    other_query = await member.post(ADDRESS + "?x=1", json={"number": 1}, headers=KEY)
    assert other_query.status_code == 422
    assert counter.done == 1


async def test_a_key_is_a_persons_own(member: httpx.AsyncClient, admin: httpx.AsyncClient, counter: Counter) -> None:
    await member.post(ADDRESS, json={"number": 1}, headers=KEY)
    assert (await admin.post(ADDRESS, json={"number": 2}, headers=KEY)).status_code == 202
    assert counter.done == 2


async def test_without_a_key_each_request_counts(member: httpx.AsyncClient, counter: Counter) -> None:
    for _ in range(2):
        await member.post(ADDRESS, json={"number": 1})
    assert counter.done == 2


async def test_after_a_refusal_the_key_is_free_again(member: httpx.AsyncClient, counter: Counter) -> None:
    counter.failure = Conflict("Not now.")
    assert (await member.post(ADDRESS, json={"number": 1}, headers=KEY)).status_code == 409
    counter.failure = None
    assert (await member.post(ADDRESS, json={"number": 1}, headers=KEY)).status_code == 202


@pytest.mark.parametrize("failure", [OutcomeUnknown("lost at the commit"), RuntimeError("a bug")])
async def test_after_an_unknown_outcome_it_is_not_done_again_at_once(
    member: httpx.AsyncClient, counter: Counter, failure: Exception
) -> None:
    counter.failure = failure
    assert (await member.post(ADDRESS, json={"number": 1}, headers=KEY)).status_code >= 500
    counter.failure = None
    refused = await member.post(ADDRESS, json={"number": 1}, headers=KEY)
    assert refused.status_code == 409
    assert "look whether it took effect" in refused.json()["detail"]
    assert counter.done == 0


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256])
async def test_what_is_no_key_is_refused(member: httpx.AsyncClient, counter: Counter, key: str) -> None:
    answer = await member.post(ADDRESS, json={"number": 1}, headers={"Idempotency-Key": key.encode()})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "header"
    assert counter.done == 0


async def test_a_key_whose_process_died_is_free_after_some_minutes(
    web: Web, member: httpx.AsyncClient, counter: Counter
) -> None:
    counter.failure = OutcomeUnknown("the process died")
    await member.post(ADDRESS, json={"number": 1}, headers=KEY)
    counter.failure = None
    await age(web, "4 minutes")
    assert (await member.post(ADDRESS, json={"number": 1}, headers=KEY)).status_code == 409
    await age(web, "2 minutes")
    assert (await member.post(ADDRESS, json={"number": 2}, headers=KEY)).json()["code"] == "idempotency_key_reused"
    assert (await member.post(ADDRESS, json={"number": 1}, headers=KEY)).status_code == 202
    await age(web, "10 minutes")
    again = await member.post(ADDRESS, json={"number": 1}, headers=KEY)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (202, "true")
    assert counter.done == 1


async def test_a_claim_that_fell_to_another_is_out_of_the_firsts_hands(web: Web) -> None:
    scope, print_ = KeyScope(new_id(), "POST /x", "k"), b"same"
    answer: dict[str, Any] = {"status": 202, "headers": {}, "body": b"second"}

    async def do(work: Any, *arguments: Any, **named: Any) -> Any:
        async with web.context.database.transaction() as connection:
            return await work(connection, scope, *arguments, **named)

    first = await do(idempotency.claim, print_)
    assert await do(idempotency.claim, print_) is None
    await age(web, "6 minutes")
    second = await do(idempotency.claim, print_)
    assert second is not None
    await do(idempotency.release, first)
    await do(idempotency.store, first, **answer | {"body": b"first"})
    assert (await do(idempotency.find)).status is None
    await do(idempotency.store, second, **answer)
    assert (await do(idempotency.find)).body == b"second"


async def age(web: Web, by: str) -> None:
    async with web.context.database.transaction() as connection:
        await connection.execute(text(f"UPDATE idempotency_keys SET created_at = created_at - interval '{by}'"))


async def test_old_keys_are_forgotten(web: Web, member: httpx.AsyncClient, counter: Counter) -> None:
    await member.post(ADDRESS, json={"number": 1}, headers=KEY)
    async with web.context.database.transaction() as connection:
        assert await idempotency.forget(connection, idempotency.KEPT_FOR) == 0
        await connection.execute(text("UPDATE idempotency_keys SET created_at = created_at - interval '25 hours'"))
        assert await idempotency.forget(connection, idempotency.KEPT_FOR) == 1
