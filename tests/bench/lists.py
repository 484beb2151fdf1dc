"""How fast lists of 100,000 trainings are: `python -m tests.bench.lists`. Budget: p99 at most 50 ms, any page."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from app.db.engine import Database
from app.domain.access import UserRole
from app.telemetry import configure_logging
from tests.support.database import PostgresForTests, postgres_for_tests
from tests.support.projects import make_project, start
from tests.support.web import Web, web_for_tests

TRAININGS = 100_000
ROUNDS = 60
BUDGET_MS = 50.0

_COPY = """
INSERT INTO trainings (id, project_id, project, owner_id, number, spec, version_id, trigger, created_by, created_at,
                       state, tasks_total, namespace_state, wake_at, seen_gen)
SELECT CAST(lpad(to_hex(1764000000000 + n * 1000), 12, '0') || '70008' || substr(md5(CAST(n AS text)), 1, 15) AS uuid),
       project_id, project, owner_id, n + 1, spec, version_id,
       CASE WHEN n % 10 = 0 THEN 'retry' ELSE 'person' END, created_by,
       to_timestamp(1764000000 + n),
       (ARRAY['succeeded', 'failed', 'stopped', 'timed_out'])[1 + n % 4], tasks_total, 'gone', 'infinity', 1
FROM trainings, generate_series(1, :count) AS n WHERE number = 1
"""


def main() -> int:
    """1 when a list is over its budget."""
    configure_logging(level="warning")
    with postgres_for_tests() as postgres, tempfile.TemporaryDirectory() as home:
        return int(asyncio.run(worst_of(postgres, Path(home))) > BUDGET_MS)


async def worst_of(postgres: PostgresForTests, home: Path) -> float:
    async with postgres.fresh() as url:
        database = Database(url)
        async with web_for_tests(database, home) as web, web.client_of("ada", UserRole.ADMIN) as client:
            await fill(web, client)
            worst = await measure(client)
        await database.close()
    return worst


async def fill(web: Web, client: httpx.AsyncClient) -> None:
    """All of them of one project, but for one that runs."""
    await make_project(client)
    await start(client)
    async with web.context.database.transaction() as connection:
        await connection.execute(text("SET LOCAL statement_timeout = 0"))
        await connection.execute(text(_COPY), {"count": TRAININGS})
    async with web.context.database.transaction() as connection:
        await connection.execute(text("ANALYZE trainings"))


async def measure(client: httpx.AsyncClient) -> float:
    """The worst p99 in milliseconds, of all lists."""
    worst = 0.0
    for name, params in (
        ("newest", {}),
        ("of a project", {"project": "hello"}),
        ("of a project, failed", {"project": "hello", "state": "failed"}),
        ("queued", {"state": "queued"}),
        ("queued and running", {"state": ["queued", "running"]}),
        ("failed or stopped", {"state": ["failed", "stopped"]}),
        ("retries", {"trigger": "retry"}),
        ("created lately", {"created_after": "2025-11-25T19:46:00Z"}),
        ("created after all of them", {"created_after": "2025-11-25T19:50:00Z"}),
    ):
        found = [await timed(client, params) for _ in range(ROUNDS)]
        worst = max(worst, report(name, found))
    pages = await walk(client, 1_000)
    worst = max(worst, report("page 1 to 10", pages[:10]), report("page 990 to 1,000", pages[-10:]))
    return worst


async def timed(client: httpx.AsyncClient, params: dict[str, Any]) -> float:
    began = time.perf_counter()
    answer = await client.get("/api/v1/trainings", params=params)
    answer.raise_for_status()
    return (time.perf_counter() - began) * 1000


async def walk(client: httpx.AsyncClient, pages: int) -> list[float]:
    """Milliseconds for each of so many pages, one after another."""
    found, params = [], {}
    for _ in range(pages):
        began = time.perf_counter()
        answer = (await client.get("/api/v1/trainings", params=params)).json()
        found.append((time.perf_counter() - began) * 1000)
        params = {"cursor": answer["next_cursor"]}
    return found


def report(name: str, found: list[float]) -> float:
    p99 = sorted(found)[int(len(found) * 0.99)]
    sys.stdout.write(f"{name:28} median {statistics.median(found):6.1f} ms   p99 {p99:6.1f} ms\n")
    return p99


if __name__ == "__main__":
    sys.exit(main())
