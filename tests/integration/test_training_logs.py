"""The text of logs through the API; what is in it is tested where it is read."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import httpx
import pytest

from tests.support.log_book import Book
from tests.support.log_rows import add_training
from tests.support.web import Web


@pytest.fixture
async def book(web: Web) -> Book:
    context = web.context
    return Book(context.database, context.storage, context.listener, await add_training(context.database))


async def test_one_task_is_read_to_the_byte_and_all_are_labelled(book: Book, member: httpx.AsyncClient) -> None:
    worker = await book.training.attempt("worker", pod="worker-0-x")
    ps = await book.training.attempt("ps", pod="ps-0-x")
    await book.write(worker, (1, b"one\n"), (3, "é\x1b[31m three\n".encode()))
    await book.write(ps, (2, b"two\n"))
    address = f"/api/v1/trainings/{book.training.id}/logs"
    alone = await member.get(address, params={"task": "worker-0"})
    assert alone.headers["content-type"] == "text/plain; charset=utf-8"
    assert alone.content == "one\né\x1b[31m three\n".encode()
    merged = await member.get(address)
    assert merged.text.splitlines() == ["worker-0 | one", "ps-0 | two", "worker-0 | é\x1b[31m three"]
    assert (await member.get(address, params={"task": "worker-0", "tail": 1})).content == alone.content[4:]
    assert (await member.get(address, params={"task": "worker-0", "attempt": 1})).content == alone.content


async def test_following_ends_when_nothing_can_come_any_more(book: Book, member: httpx.AsyncClient) -> None:
    attempt = await book.training.attempt("worker", pod="worker-0-x")
    await book.write(attempt, (1, b"one\n"))
    params = {"task": "worker-0", "attempt": "1", "follow": "true"}
    address = f"/api/v1/trainings/{book.training.id}/logs"
    following = asyncio.create_task(member.get(address, params=params))
    await asyncio.wait({following}, timeout=0.5)
    assert not following.done()
    await book.write(attempt, (2, b"two\n"))
    await book.finish(attempt)
    assert (await asyncio.wait_for(following, 20)).text == "one\ntwo\n"


async def test_following_ends_with_the_process(web: Web, book: Book, member: httpx.AsyncClient) -> None:
    await book.write(await book.training.attempt("worker", pod="worker-0-x"), (1, b"one\n"))
    following = asyncio.create_task(member.get(f"/api/v1/trainings/{book.training.id}/logs", params={"follow": "true"}))
    await asyncio.wait({following}, timeout=0.5)
    web.context.closing.set()
    assert (await asyncio.wait_for(following, 20)).text == "worker-0 | one\n"


@pytest.mark.parametrize(
    ("params", "status", "words"),
    [
        ({"task": "worker"}, 422, "write it like worker-0"),
        ({"attempt": 1}, 422, "name the task too"),
        ({"tail": -1}, 422, "at least 0"),
        ({"task": "worker-7"}, 404, "no task worker-7"),
        ({"task": "worker-0", "attempt": 9}, 404, "no attempt 9"),
    ],
)
async def test_what_is_not_there_is_said(
    book: Book, member: httpx.AsyncClient, params: dict[str, str | int], status: int, words: str
) -> None:
    await book.training.attempt("worker", pod="worker-0-x")
    refused = await member.get(f"/api/v1/trainings/{book.training.id}/logs", params=params)
    assert refused.status_code == status
    assert words in refused.json()["detail"]
    assert (await member.get(f"/api/v1/trainings/{uuid4()}/logs")).status_code == 404
