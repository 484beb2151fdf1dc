"""How fast and how large pages are with 100,000 trainings, one of 1,000 tasks and one with a log of 100 MB.

`python -m tests.bench.pages`; with `logs` only the pages of the long log, without the 100,000 trainings. Budgets:
p99 of a page at most 500 ms (a search: 3 s, as it may take 2 s by its own limit); a page at most 2 MiB; the log is seen
in Chromium within a second.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from uuid import UUID

import httpx
from sqlalchemy import insert, text

from app.db.engine import Database
from app.db.tables import log_chunks
from app.domain.training import LogVerdict, Reason, State
from app.telemetry import configure_logging
from tests.bench.lists import fill
from tests.support.browser import chromium, log_in, visit
from tests.support.database import PostgresForTests, postgres_for_tests
from tests.support.pages import write
from tests.support.projects import make_project, start
from tests.support.served import served
from tests.support.visitor import logged_in
from tests.support.web import PASSWORD, Web, web_for_tests
from tests.support.written_logs import START, judge, try_of

ROUNDS = 40
TASKS = 1_000
LOG_BYTES = 100_000_000
CHUNK_LINES = 3_000
PAGE_MS, SEARCH_MS, SEEN_MS = 500.0, 3_000.0, 1_000.0
PAGE_BYTES = 2 * 1024 * 1024
Measured = tuple[str, str, float]
"""What a page is called, its address, and its budget in milliseconds."""


def main() -> int:
    """1 when something is over its budget."""
    configure_logging(level="warning")
    only_logs = sys.argv[1:] == ["logs"]
    with postgres_for_tests() as postgres, tempfile.TemporaryDirectory() as home:
        return int(not asyncio.run(within_budgets(postgres, Path(home), only_logs=only_logs)))


async def within_budgets(postgres: PostgresForTests, home: Path, *, only_logs: bool) -> bool:
    async with postgres.fresh() as url:
        database = Database(url)
        async with web_for_tests(database, home) as web:
            async with web.client_of("filler") as client:
                shown: list[Measured] = []
                if not only_logs:
                    await fill(web, client)
                    shown += pages(await many_tasks(web, client))
                deep, lines = await long_log(web, client)
                shown += log_pages(deep, lines)
            async with logged_in(web, "ada") as visitor:
                good = [await measure(visitor, *page) for page in shown]
            good.append(await seen(web, deep, lines))
        await database.close()
    return all(good)


async def many_tasks(web: Web, client: httpx.AsyncClient) -> UUID:
    await make_project(client, "wide", roles={"worker": {"count": TASKS}})
    training_id = UUID((await start(client, "wide"))["id"])
    async with web.context.database.transaction() as connection:
        await connection.execute(
            text("""
                INSERT INTO attempts (id, training_id, role, index, number, pod_name, pod_uid, node, state, created_at,
                                      started_at)
                SELECT gen_random_uuid(), training_id, role, index, 1, role || index, gen_random_uuid()::text, 'node-1',
                       'running', now(), now()
                FROM tasks WHERE training_id = :id
            """),
            {"id": training_id},
        )
        await connection.execute(
            text("UPDATE tasks SET state = 'running', started_at = now() WHERE training_id = :id"), {"id": training_id}
        )
    await write(web, str(training_id), state=State.RUNNING, starting_at=True, started_at=True, tasks_running=TASKS)
    return training_id


async def long_log(web: Web, client: httpx.AsyncClient) -> tuple[UUID, int]:
    """The training, and how many lines its one log has."""
    await make_project(client, "deep")
    training_id = UUID((await start(client, "deep"))["id"])
    attempt_id = await try_of(web.context.database, training_id, "worker")
    line = b"2026-11-24 03:00:00,123 - trainer - INFO - step %09d loss 0.3141592 accuracy 0.98765\n"
    size, first = len(line % 0), 0
    while first * size < LOG_BYTES:
        data = b"".join(line % number for number in range(first, first + CHUNK_LINES))
        values = {"first_line": first, "lines": CHUNK_LINES, "data": data, "first_at": START, "last_at": START}
        async with web.context.database.transaction() as connection:
            await connection.execute(
                insert(log_chunks).values(attempt_id=attempt_id, offset=first * size, index=[], gap_before=0, **values)
            )
        first += CHUNK_LINES
    async with web.context.database.transaction() as connection:
        await connection.execute(
            text("UPDATE attempts SET log_bytes = :bytes, log_lines = :lines WHERE id = :id"),
            {"bytes": first * size, "lines": first, "id": attempt_id},
        )
    await judge(web.context.database, attempt_id, LogVerdict.VERIFIED)
    ended = {"state": State.SUCCEEDED, "reason": Reason.COMPLETED, "namespace_state": "gone", "finished_at": True}
    await write(web, str(training_id), **ended)
    return training_id, first


def pages(wide: UUID) -> list[Measured]:
    record = f"/trainings/{wide}"
    return [
        ("home", "/", PAGE_MS),
        ("list of trainings", "/trainings", PAGE_MS),
        ("list, failed of a project", "/trainings?project=hello&state=failed", PAGE_MS),
        ("project of 100,000 trainings", "/projects/hello", PAGE_MS),
        ("record of 1,000 tasks", record, PAGE_MS),
        ("… a later page of tasks", f"{record}?role=worker&at=15", PAGE_MS),
        ("… its events", f"{record}/events", PAGE_MS),
        ("… its manifests", f"{record}/manifests", PAGE_MS),
        ("… its logs", f"{record}/logs", PAGE_MS),
    ]


def log_pages(deep: UUID, lines: int) -> list[Measured]:
    log = f"/trainings/{deep}/logs"
    return [
        ("end of a log of 100 MB", f"{log}?task=worker-0", PAGE_MS),
        ("a line in its middle", f"{log}?task=worker-0&attempt=1&line={lines // 2}", PAGE_MS),
        ("search, all of it, no hit", f"{log}/search?pattern=nowhere", SEARCH_MS),
        ("search, hits at its end", f"{log}/search?pattern=step%200*{lines - 2}&context=5", SEARCH_MS),
    ]


async def measure(client: httpx.AsyncClient, name: str, address: str, budget: float) -> bool:
    found, size = [], 0
    for _ in range(ROUNDS if budget == PAGE_MS else ROUNDS // 4):
        began = time.perf_counter()
        answer = await client.get(address)
        found.append((time.perf_counter() - began) * 1000)
        answer.raise_for_status()
        size = len(answer.content)
    p99 = sorted(found)[int(len(found) * 0.99)]
    median = statistics.median(found)
    sys.stdout.write(f"{name:32} {size / 1024:8.0f} KiB   median {median:7.1f} ms   p99 {p99:7.1f} ms\n")
    return p99 <= budget and size <= PAGE_BYTES


async def seen(web: Web, deep: UUID, lines: int) -> bool:
    """How long until a person sees the end of the long log, and a line in its middle."""
    middle, log = lines // 2, f"/trainings/{deep}/logs"
    async with served(web) as url, chromium() as browser, visit(browser, url) as visiting:
        page, good = visiting.page, True
        await log_in(page, "ada", PASSWORD)
        await page.goto("/trainings")
        for name, address, line in (
            ("its end, in Chromium", f"{log}?task=worker-0", lines),
            ("its middle, in Chromium", f"{log}?task=worker-0&attempt=1&line={middle}#L{middle}", middle),
        ):
            found = []
            for _ in range(5):
                await page.goto("/trainings")
                began = time.perf_counter()
                await page.goto(address)
                await page.locator(f".l[data-n='{line}']").wait_for(state="visible")
                await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
                found.append((time.perf_counter() - began) * 1000)
            await page.wait_for_url(re.compile(r"/logs\?"))
            sys.stdout.write(f"{name:32} median {statistics.median(found):7.1f} ms   worst {max(found):7.1f} ms\n")
            good = good and statistics.median(found) <= SEEN_MS
    return good


if __name__ == "__main__":
    sys.exit(main())
