"""Searching logs, reading them from anywhere, and all of them as one file: through the API."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.domain.log_search import LogQuery
from app.services.log_choice import Which
from app.services.log_search import LogSearchService
from tests.support.log_book import ADA, Book
from tests.support.log_rows import add_training
from tests.support.web import Web


@pytest.fixture
async def book(web: Web) -> Book:
    context = web.context
    return Book(context.database, context.storage, context.listener, await add_training(context.database))


async def everything(client: httpx.AsyncClient, book: Book, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        answer = await client.get(f"/api/v1/trainings/{book.training.id}/logs/search", params=params)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            return found
        params["cursor"] = answer.json()["next_cursor"]


async def test_what_is_archived_and_what_is_live_is_found_with_what_stands_around(
    book: Book, member: httpx.AsyncClient
) -> None:
    first = await book.training.attempt("worker", pod="worker-0-a")
    await book.write(first, *[(n, b"step %d\n" % n) for n in range(50)], (50, b"ERROR out of tune\n"))
    await book.finish(first)
    again = await book.training.attempt("worker", number=2, pod="worker-0-b")
    await book.write(again, (60, b"again\n"), (61, b"ERROR out of rhythm\n"))
    await book.write(again, (63, b"unended: out of breath"))
    other = await book.training.attempt("worker", 1, pod="worker-1-a")
    await book.write(other, (1, b"nothing here\n"))
    found = await everything(member, book, pattern="out of \\w+$", context=1)
    assert [(hit["task"], hit["attempt"], hit["line"], hit["level"]) for hit in found] == [
        ("worker-0", 1, 51, "error"),
        ("worker-0", 2, 2, "error"),
        ("worker-0", 2, 3, None),
    ]
    assert [line["text"] for line in found[0]["before"]] == ["step 49"]
    assert found[0]["after"] == []
    assert found[0]["at"] == "2026-11-24T03:00:50Z"
    assert [line["text"] for line in found[1]["before"] + found[1]["after"]] == ["again", "unended: out of breath"]
    assert len(await everything(member, book, pattern="out of", task="worker-0", attempt=2)) == 2
    assert len(await everything(member, book, level="error")) == 2
    assert await everything(member, book, pattern="out of", task="worker-1") == []


async def test_small_pages_are_the_same_as_one(book: Book, member: httpx.AsyncClient) -> None:
    for index in range(3):
        attempt = await book.training.attempt("worker", index, pod=f"worker-{index}-a")
        for part in range(4):
            await book.write(attempt, *[(part * 10 + n, b"line %d of %d\n" % (n, part)) for n in range(10)])
    whole = await everything(member, book, pattern="[02468] of", limit=200, context=2)
    assert len(whole) == 3 * 4 * 5
    assert await everything(member, book, pattern="[02468] of", limit=7, context=2) == whole


async def test_a_search_without_time_goes_on_where_it_stopped(web: Web, book: Book) -> None:
    attempt = await book.training.attempt("worker", pod="worker-0-a")
    for part in range(6):
        await book.write(attempt, *[(part * 10 + n, b"line %d\n" % (part * 10 + n)) for n in range(10)])
    service = LogSearchService(book.database, book.storage, web.context.logs)
    lines, place, calls = [], None, 0
    while place is not None or not calls:
        found = await service.search(ADA, book.training.id, Which(), LogQuery("7$"), after=place, seconds=-1)
        lines += [hit.line.number for hit in found.hits]
        place, calls = found.next, calls + 1
    assert lines == [7, 17, 27, 37, 47, 57]
    assert calls >= 6  # each call looked at one part


@pytest.mark.parametrize(
    ("path", "params", "status", "words"),
    [
        ("search", {"pattern": "("}, 422, "not a regular expression"),
        ("search", {"pattern": "x" * 501}, 422, "at most 500"),
        ("search", {"pattern": "a\0b"}, 400, "NUL"),
        ("search", {"level": "bad"}, 422, "'debug'"),
        ("search", {"context": 11}, 422, "at most 10"),
        ("search", {"attempt": 1}, 422, "name the task too"),
        ("search", {"task": "worker-7"}, 404, "no task worker-7"),
        ("search", {"cursor": "nonsense"}, 422, "cursor"),
        ("lines", {}, 422, "required"),
        ("lines", {"task": "worker-0", "line": 0}, 422, "at least 1"),
        ("lines", {"task": "worker"}, 422, "write it like worker-0"),
    ],
)
async def test_what_cannot_be_asked_is_said(
    book: Book, member: httpx.AsyncClient, path: str, params: dict[str, Any], status: int, words: str
) -> None:
    await book.training.attempt("worker", pod="worker-0-a")
    refused = await member.get(f"/api/v1/trainings/{book.training.id}/logs/{path}", params=params)
    assert refused.status_code == status, refused.text
    assert words in refused.json()["detail"]
    assert (await member.get(f"/api/v1/trainings/{uuid4()}/logs/search")).status_code == 404


async def test_lines_are_read_from_anywhere(book: Book, member: httpx.AsyncClient) -> None:
    attempt = await book.training.attempt("worker", pod="worker-0-a")
    for part in range(5):
        await book.write(attempt, *[(part * 10 + n, b"line %d\n" % (part * 10 + n + 1)) for n in range(10)])
    await book.finish(attempt)
    address = f"/api/v1/trainings/{book.training.id}/logs/lines"
    answer = (await member.get(address, params={"task": "worker-0", "line": 37, "limit": 3})).json()
    assert [(line["line"], line["text"]) for line in answer["items"]] == [(n, f"line {n}") for n in (37, 38, 39)]
    assert answer["next_line"] == 40
    end = (await member.get(address, params={"task": "worker-0", "line": 50})).json()
    assert ([line["line"] for line in end["items"]], end["next_line"]) == ([50], None)
    assert (await member.get(address, params={"task": "worker-0", "line": 51})).json()["items"] == []


async def test_all_logs_come_as_one_zip_to_the_byte(book: Book, member: httpx.AsyncClient) -> None:
    first = await book.training.attempt("worker", pod="worker-0-a")
    await book.write(first, (1, b"one\n"), (2, b"\xff\x00 10%\r100%\n"))
    await book.finish(first)
    again = await book.training.attempt("worker", number=2, pod="worker-0-b")
    await book.write(again, (3, b"two"))
    await book.training.attempt("ps", pod="ps-0-a")
    answer = await member.get(f"/api/v1/trainings/{book.training.id}/logs/archive")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="digits-1-logs.zip"'
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    assert files == {"ps-0.log": b"", "worker-0.log": b"one\n\xff\x00 10%\r100%\n", "worker-0.try2.log": b"two"}
