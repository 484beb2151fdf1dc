"""Which trainings of a project have metrics is known without looking at those that have none."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from sqlalchemy import event, text

from app.db import metric_series, migrate
from app.db.engine import Database
from app.domain.metric import Point, Series, extended
from tests.support.pages import run
from tests.support.projects import make_project, start
from tests.support.web import Web

MANY = 2_000
_COPIES = """
    INSERT INTO trainings (id, project_id, project, owner_id, number, spec, version_id, trigger, created_by, state,
                           tasks_total, namespace_state, wake_at, seen_gen)
    SELECT CAST('0' || substr(md5(project || n), 2) AS uuid), project_id, project, owner_id, n + 1, spec, version_id,
           trigger, created_by, 'succeeded', tasks_total, 'gone', 'infinity', 1
    FROM trainings, generate_series(1, :many) AS n WHERE number = 1
"""


async def wrote(database: Database, training_id: UUID, *tags: str) -> None:
    async with database.transaction() as connection:
        found = [extended(Series(".", tag), [Point(1, 1.0, 0.5)]) for tag in tags]
        await metric_series.save(connection, training_id, found, {})


async def ids_of(database: Database, project: str) -> tuple[UUID, list[UUID]]:
    """The project's id, and its trainings, the newest first."""
    query = "SELECT project_id, id FROM trainings WHERE project = :project ORDER BY id DESC"
    async with database.read() as connection:
        rows = (await connection.execute(text(query), {"project": project})).all()
    return rows[0].project_id, [row.id for row in rows]


async def test_the_newest_with_metrics_are_found_among_many_without(web: Web) -> None:
    database = web.context.database
    async with web.client_of("ada") as client:
        for name in ("hello", "other"):
            await make_project(client, name)
            await start(client, name)
    await run(web, _COPIES, many=MANY)
    project, trainings = await ids_of(database, "hello")
    _, others = await ids_of(database, "other")
    for training in others[: MANY // 10]:
        await wrote(database, training, "loss")
    with_some = trainings[-3:-1]
    for training in with_some:
        await wrote(database, training, "loss", "accuracy")
    await run(web, "ANALYZE trainings, metric_series")
    statements: list[tuple[str, Any]] = []
    engine = database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append((args[2], args[3])))
    async with database.read() as connection:
        found = await metric_series.newest_names(connection, project, 10)
        assert list(found) == with_some
        assert [name.tag for name in found[with_some[0]]] == ["loss", "accuracy"]
        statement, parameters = statements[-1]
        explained = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
        plan = explained.scalar_one()
    [top] = json.loads(plan) if isinstance(plan, str) else plan
    assert most_rows(top["Plan"]) < 2 * MANY // 10


def most_rows(node: dict[str, Any]) -> float:
    """The most rows that any part of a plan has read, with those that it threw away."""
    own: float = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return max([own, *(most_rows(part) for part in node.get("Plans", []))])


async def test_series_of_before_are_found_too(web: Web) -> None:
    database = web.context.database
    async with web.client_of("ada") as client:
        await make_project(client)
        training = UUID((await start(client))["id"])
    await wrote(database, training, "loss")
    await migrate.downgrade(database, "0020")
    await migrate.upgrade(database)
    project, _ = await ids_of(database, "hello")
    async with database.read() as connection:
        assert list(await metric_series.newest_names(connection, project, 10)) == [training]
