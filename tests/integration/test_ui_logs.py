"""Pages of logs and their stream: merged and of one task, kept and live, whole or with what is missing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
import pytest
from fastapi.sse import ServerSentEvent

from app.domain.training import LogVerdict, Reason, State
from app.ui.log_lines import cursor_text, read_cursor
from app.ui.routes.logs import logs_live
from tests.support.pages import page_of, write
from tests.support.projects import make_project, start
from tests.support.visitor import logged_in
from tests.support.web import Web
from tests.support.written_logs import judge, say, try_of

SOON = 10
HOSTILE = b"<script>alert(1)</script>"


@asynccontextmanager
async def training(web: Web, workers: int = 2) -> AsyncIterator[tuple[httpx.AsyncClient, UUID]]:
    async with logged_in(web, "ada") as client:
        await make_project(client, roles={"worker": {"count": workers}})
        yield client, UUID((await start(client))["id"])


async def ended(web: Web, training_id: UUID) -> None:
    await write(
        web, str(training_id), state=State.SUCCEEDED, reason=Reason.COMPLETED, namespace_state="gone", finished_at=True
    )


async def test_kept_logs_are_merged_by_time_and_escaped(web: Web) -> None:
    async with training(web) as (client, id_):
        first, second = (
            await try_of(web.context.database, id_, "worker"),
            await try_of(web.context.database, id_, "worker", 1),
        )
        await say(web.context.database, first, b"one\n" + HOSTILE + b"\n", at=1)
        await say(web.context.database, second, b"\x1b[31mtwo\x1b[0m\n 10%\r100%\n", at=2)
        await say(web.context.database, first, b"three", at=3)
        for attempt in (first, second):
            await judge(web.context.database, attempt, LogVerdict.VERIFIED)
        await ended(web, id_)
        page = await client.get(f"/trainings/{id_}/logs")
        assert said(page.text) == [
            "03:00:01 worker-0 one",
            "03:00:01 worker-0 &lt;script&gt;alert(1)&lt;/script&gt;",
            '03:00:02 worker-1 <span class="af-1">two</span>',
            "03:00:02 worker-1 100%",
            "03:00:03 worker-0 three",
        ]
        assert "hx-sse:connect" not in page.text
        assert "data-log-follow" not in page.text
        assert "Verified" in page.text
        assert f'href="/api/v1/trainings/{id_}/logs"' in page.text
        one = await client.get(f"/trainings/{id_}/logs?task=worker-1")
        assert said(one.text) == ['03:00:02 <span class="af-1">two</span>', "03:00:02 100%"]
        assert f'href="/api/v1/trainings/{id_}/logs?task=worker-1"' in one.text


async def test_a_log_that_is_on_its_way_is_not_called_empty(web: Web) -> None:
    async with training(web) as (client, id_):
        attempt = await try_of(web.context.database, id_, "worker")
        assert "Nothing has been written yet" in (await client.get(f"/trainings/{id_}/logs")).text
        await say(web.context.database, attempt, b"one\n")
        for query in ("", "?task=worker-0"):
            page = await client.get(f"/trainings/{id_}/logs{query}")
            assert "on their way" in page.text
            assert "Nothing has been written yet" not in page.text
        assert "Nothing has been written yet" in (await client.get(f"/trainings/{id_}/logs?task=worker-1")).text


async def test_what_is_missing_is_said(web: Web) -> None:
    async with training(web) as (client, id_):
        attempt = await try_of(web.context.database, id_, "worker")
        killed = await try_of(web.context.database, id_, "worker", 1)
        await say(web.context.database, attempt, b"before\n")
        await say(web.context.database, attempt, b"after\n", gap=True)
        await judge(web.context.database, attempt, LogVerdict.INCOMPLETE, 1203)
        await judge(web.context.database, killed, LogVerdict.UNVERIFIED)
        await ended(web, id_)
        page = await client.get(f"/trainings/{id_}/logs?task=worker-0")
        assert "Incomplete" in page.text
        assert "1\u202f203 lines missing" in page.text
        assert page.text.index("before") < page.text.index("Lines may be missing here") < page.text.index("after\n")
        merged = await client.get(f"/trainings/{id_}/logs")
        assert "Incomplete" in merged.text
        assert "Unverified" in merged.text
        assert "This log has no lines" in (await client.get(f"/trainings/{id_}/logs?task=worker-1")).text


async def test_a_long_log_begins_with_its_newest_lines_and_leads_to_the_rest(web: Web) -> None:
    async with training(web, 1) as (client, id_):
        attempt = await try_of(web.context.database, id_, "worker")
        await say(web.context.database, attempt, b"".join(b"line %d\n" % n for n in range(4_500)))
        await judge(web.context.database, attempt, LogVerdict.VERIFIED)
        await ended(web, id_)
        seen = await read_back(client, f"/trainings/{id_}/logs?task=worker-0")
        assert [int(line.rsplit(" ", 1)[1]) for line in seen] == list(range(4_500))


async def test_merged_logs_lead_to_their_earlier_lines_too(web: Web) -> None:
    async with training(web, 2) as (client, id_):
        database = web.context.database
        tries = [await try_of(database, id_, "worker", index) for index in range(2)]
        for part in range(60):
            lines = b"".join(b"line %d\n" % number for number in range(part * 100, part * 100 + 100))
            await say(database, tries[part % 2], lines, at=part)
        for attempt in tries:
            await judge(database, attempt, LogVerdict.VERIFIED)
        await ended(web, id_)
        seen = await read_back(client, f"/trainings/{id_}/logs")
        assert [int(line.rsplit(" ", 1)[1]) for line in seen] == list(range(6_000))
        assert (await client.get(f"/trainings/{id_}/logs?place=00000000-1.2")).status_code == 422
        assert (await client.get(f"/trainings/{id_}/logs?place=nonsense")).status_code == 422


async def test_a_merged_stream_says_where_it_begins(web: Web) -> None:
    async with training(web, 2) as (client, id_):
        database = web.context.database
        first, second = [await try_of(database, id_, "worker", index) for index in range(2)]
        await say(database, first, b"".join(b"line %d\n" % number for number in range(3_000)), at=1)
        await say(database, second, b"".join(b"line %d\n" % number for number in range(3_000, 7_500)), at=2)
        shown = await page_of(web, client.cookies["taas_session"], f"/live/trainings/{id_}/logs")
        stream = logs_live(shown, id_)
        while (event := await asyncio.wait_for(anext(stream), SOON)).event != "log-first":
            pass
        await stream.aclose()
        seen = await read_back(client, f"/trainings/{id_}/logs?{event.raw_data}")
        assert [int(line.rsplit(" ", 1)[1]) for line in seen] == list(range(6_500))


async def test_tries_can_be_chosen(web: Web) -> None:
    async with training(web, 1) as (client, id_):
        for number in (1, 2):
            attempt = await try_of(web.context.database, id_, "worker", 0, number)
            await say(web.context.database, attempt, b"try %d\n" % number)
            await judge(web.context.database, attempt, LogVerdict.VERIFIED)
        await ended(web, id_)
        assert said((await client.get(f"/trainings/{id_}/logs?task=worker-0")).text) == ["03:00:00 try 2"]
        first = await client.get(f"/trainings/{id_}/logs?task=worker-0&attempt=1")
        assert said(first.text) == ["03:00:00 try 1"]
        assert '<option value="1" selected>Try 1' in first.text
        assert (await client.get(f"/trainings/{id_}/logs?task=worker-0&attempt=3")).status_code == 404


@pytest.mark.parametrize("task", ["worker-9", "ps-0", "nonsense", "<b>-1"])
async def test_a_task_that_is_not_there(web: Web, task: str) -> None:
    async with training(web) as (client, id_):
        page = await client.get(f"/trainings/{id_}/logs?task={task}")
        assert page.status_code == 404
        assert "<b>-1" not in page.text


async def test_lines_come_live_and_go_on_where_they_stopped(web: Web) -> None:
    async with training(web) as (client, id_):
        database = web.context.database
        await write(web, str(id_), state=State.RUNNING, started_at=True)
        attempt = await try_of(database, id_, "worker")
        await say(database, attempt, b"one\ntwo\nhal")
        page = await client.get(f"/trainings/{id_}/logs")
        assert f'hx-sse:connect="/live/trainings/{id_}/logs?task="' in page.text
        assert "data-log-follow" in page.text

        await web.context.listener.connected()
        shown = await page_of(web, client.cookies["taas_session"], f"/live/trainings/{id_}/logs")
        stream = logs_live(shown, id_)
        message = await log_message(stream)
        assert said(f"<pre>{message.raw_data}</pre>") == ["03:00:00 worker-0 one", "03:00:00 worker-0 two"]
        await say(database, attempt, b"f\n", at=5)
        assert "half\n" in ((await log_message(stream)).raw_data or "")
        await stream.aclose()

        again = logs_live(shown, id_, last_event_id=message.id or "")
        more = await log_message(again)
        assert said(f"<pre>{more.raw_data}</pre>") == ["03:00:00 worker-0 half"]
        await say(database, attempt, b"no newline at the end", at=6)
        await judge(database, attempt, LogVerdict.VERIFIED)
        await ended(web, id_)
        rest = [event async for event in until_done(again)]
        assert any("no newline at the end\n" in (event.raw_data or "") for event in rest if event.event == "log")
        assert any("Verified" in (event.raw_data or "") for event in rest)
        assert rest[-1].event == "done"


async def test_a_stream_of_one_task_says_where_it_begins(web: Web) -> None:
    async with training(web, 1) as (client, id_):
        attempt = await try_of(web.context.database, id_, "worker")
        await say(web.context.database, attempt, b"".join(b"line %d\n" % n for n in range(6_000)))
        shown = await page_of(web, client.cookies["taas_session"], f"/live/trainings/{id_}/logs")
        stream = logs_live(shown, id_, task="worker-0")
        while (event := await asyncio.wait_for(anext(stream), SOON)).event != "log-first":
            pass
        assert event.raw_data == "before=5000"
        await stream.aclose()


async def test_a_stream_begins_anew_when_its_place_is_unknown(web: Web) -> None:
    async with training(web, 1) as (client, id_):
        attempt = await try_of(web.context.database, id_, "worker")
        await say(web.context.database, attempt, b"one\n")
        shown = await page_of(web, client.cookies["taas_session"], f"/live/trainings/{id_}/logs")
        stream = logs_live(shown, id_, last_event_id="-")
        kinds = []
        while "log" not in kinds:
            kinds.append((await asyncio.wait_for(anext(stream), SOON)).event)
        assert "log-reset" in kinds
        await stream.aclose()


async def test_a_stream_of_logs_ends_when_the_process_does(web: Web) -> None:
    async with training(web, 1) as (client, id_):
        shown = await page_of(web, client.cookies["taas_session"], f"/live/trainings/{id_}/logs")
        stream = logs_live(shown, id_)
        await asyncio.wait_for(anext(stream), SOON)
        web.context.closing.set()
        with pytest.raises(StopAsyncIteration):
            while True:
                await asyncio.wait_for(anext(stream), SOON)


@pytest.mark.parametrize("text", ["", "-", "x:1", f"{'0' * 32}:", f"{'g' * 32}:1", f"{'0' * 32}:-1", f"{'0' * 32}:٣"])
def test_a_place_that_nobody_gave_out_is_none(text: str) -> None:
    assert read_cursor(text) is None


def test_a_place_reads_back() -> None:
    taken = {UUID(int=1): 5, UUID(int=2): 10**12}
    assert read_cursor(cursor_text(taken)) == taken


async def log_message(stream: AsyncIterator[ServerSentEvent]) -> ServerSentEvent:
    while True:
        event = await asyncio.wait_for(anext(stream), SOON)
        if event.event == "log":
            return event


async def until_done(stream: AsyncIterator[ServerSentEvent]) -> AsyncIterator[ServerSentEvent]:
    while True:
        try:
            yield await asyncio.wait_for(anext(stream), 2 * SOON)
        except StopAsyncIteration:
            return


async def test_a_line_in_the_middle_has_an_address_with_lines_around_it(web: Web) -> None:
    async with training(web, 1) as (client, id_):
        attempt = await try_of(web.context.database, id_, "worker")
        for part in range(20):
            lines = b"".join(b"line %d\n" % (number + 1) for number in range(part * 500, part * 500 + 500))
            await say(web.context.database, attempt, lines, at=part)
        page = (await client.get(f"/trainings/{id_}/logs?task=worker-0&attempt=1&line=5000")).text
        assert 'id="L5000"' in page
        assert [int(line.rsplit(" ", 1)[1]) for line in said(page)] == list(range(4_700, 5_700))
        assert "hx-sse:connect" in page  # the head stays live …
        assert "data-log-follow" not in page  # … but these lines are what was asked for
        assert 'before=4699" data-log-earlier' in page
        later = re.search(r'href="([^"]+after=5699)" data-log-later', page)
        assert later
        more = await client.get(f"/trainings/{id_}/logs{later[1].replace('&amp;', '&')}")
        assert [int(line.rsplit(" ", 1)[1]) for line in said(more.text)] == list(range(5_700, 6_700))
        assert (await client.get(f"/trainings/{id_}/logs?task=worker-0&line=99999")).status_code == 200


async def test_a_search_leads_to_the_lines_that_it_found(web: Web) -> None:
    async with training(web, 2) as (client, id_):
        database = web.context.database
        first, second = [await try_of(database, id_, "worker", index) for index in range(2)]
        await say(database, first, b"".join(b"step %d\n" % number for number in range(20)) + HOSTILE + b"\n")
        await say(database, second, b"ERROR lost\nstep 0\n")
        address = f"/trainings/{id_}/logs/search"
        found = (await client.get(address, params={"pattern": "STEP 1[23]|script", "context": 2})).text
        assert f'href="/trainings/{id_}/logs?task=worker-0&amp;attempt=1&amp;line=13#L13"' in found
        assert len(re.findall(r'class="l hit"', found)) == 3
        assert HOSTILE.decode() not in found
        assert "&lt;script&gt;" in found
        assert found.count('data-n="13"') == 1  # what stands around two hits is shown once
        assert "Nothing found" in (await client.get(address, params={"pattern": "STEP", "case": "yes"})).text
        assert "1 hit on" in (await client.get(address, params={"level": "error"})).text
        wrong = await client.get(address, params={"pattern": "(", "task": "worker-1"})
        assert wrong.status_code == 422
        assert "not a regular expression" in wrong.text
        assert 'value="("' in wrong.text
        assert (await client.get(address, params={"task": "worker-9"})).status_code == 404


async def read_back(client: httpx.AsyncClient, address: str) -> list[str]:
    """All lines of a log, from the page at `address` back along its links to earlier ones."""
    path, seen = address.partition("?")[0], []
    while address:
        page = await client.get(address)
        lines = said(page.text)
        assert page.text.count("<pre>") == -(-len(lines) // 500)
        seen = lines + seen
        link = re.search(r'href="(\?[^"]+)" data-log-earlier', page.text)
        address = f"{path}{link[1].replace('&amp;', '&')}" if link else ""
    return seen


def said(page: str) -> list[str]:
    """The lines in the log's <pre>s, without the markup of times and names."""
    text = "".join(re.findall(r"<pre>(.*?)</pre>", page, re.S))
    text = re.sub(r'<time[^>]*>(.*?)</time>|<b class="who-said[^>]*>(.*?)</b>', r"\1\2", text)
    return re.sub(r'<span class="l[ "][^>]*>|(?<=\n)</span>', "", text).splitlines()
