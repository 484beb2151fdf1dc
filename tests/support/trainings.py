"""Trainings straight into the rows, as a person's launch leaves them, for tests of the worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text

from app.context import Context
from app.db import trainings
from app.db.codec import to_json
from app.db.engine import Database
from app.db.ids import new_id
from app.db.tables import algorithms, attempts, events, projects, tasks, users, versions
from app.db.tables import trainings as rows
from app.domain.algorithm import bundle_key
from app.domain.project import Framework, ProjectSpec, Resources, Role, RunSpec, Success
from app.domain.training import Reason, TaskCounts, Training, TrainingSpec, Trigger
from tests.support.bundles import bundle_of_folder

PYTHON_IMAGE = "localhost/taas/python:3.11"
FAKE = {"type": "fake"}
REAL = {"kubernetes.io/os": "linux"}
SMALL = Resources(cpu="10m", memory="64Mi")


def run_spec(
    roles: dict[str, int] | None = None,
    *,
    on: dict[str, str] = FAKE,
    resources: Resources = SMALL,
    **more: Any,
) -> RunSpec:
    """A plain run of `roles` on fake nodes (`on`: labels of the nodes that may take it)."""
    counts = roles or {"worker": 2}
    values: dict[str, Any] = {
        "framework": Framework.PLAIN,
        "image": PYTHON_IMAGE,
        "roles": {name: Role(count=count, resources=resources, node_selector=on) for name, count in counts.items()},
        "success": Success.CHIEF if "chief" in counts else Success.ALL_WORKERS,
        "keep_namespace": timedelta(0),
        "stop_grace": timedelta(seconds=1),
        **more,
    }
    return RunSpec(**values)


@dataclass(frozen=True)
class Maker:
    """A project, and trainings of it."""

    database: Database
    project_id: UUID
    owner_id: UUID
    version_id: UUID
    digest: str
    name: str

    @classmethod
    async def create(cls, context: Context, script: str = "true\n", *, running_limit: int | None = None) -> Maker:
        """A project whose algorithm is that one script."""
        made = bundle_of_folder({"run.sh": script.encode()})
        digest = made.bundle.digest
        await context.storage.put_bytes(bundle_key(digest), made.archive)
        user, algorithm, version, project = new_id(), new_id(), new_id(), new_id()
        name = f"p{project.hex[-8:]}"
        spec = ProjectSpec(algorithm=name, version=1, run=run_spec(), running_limit=running_limit)
        async with context.database.transaction() as connection:
            await connection.execute(
                insert(users).values(id=user, name=f"u{user.hex}", role="member", password_hash="")
            )
            await connection.execute(insert(algorithms).values(id=algorithm, name=name, owner_id=user))
            await connection.execute(
                insert(versions).values(
                    id=version,
                    algorithm_id=algorithm,
                    number=1,
                    digest=digest,
                    size=1,
                    archive_size=len(made.archive),
                    files=[],
                    created_by="ada",
                )
            )
            await connection.execute(
                insert(projects).values(
                    id=project, name=name, owner_id=user, algorithm_id=algorithm, spec=to_json(spec)
                )
            )
        return cls(context.database, project, user, version, digest, name)

    async def start(self, run: RunSpec | None = None, **spec: Any) -> UUID:
        """A queued training, as the web process leaves it."""
        run = run or run_spec()
        async with self.database.transaction() as connection:
            counted = text("UPDATE projects SET last_number = last_number + 1 WHERE id = :id RETURNING last_number")
            number = (await connection.execute(counted, {"id": self.project_id})).scalar_one()
            training = Training(
                id=new_id(),
                project_id=self.project_id,
                project=self.name,
                number=number,
                spec=TrainingSpec(algorithm=self.name, version=1, digest=self.digest, run=run, **spec),
                trigger=Trigger.PERSON,
                created_at=datetime.now(UTC),
                created_by="ada",
                intent_gen=1,
                counts=TaskCounts(run.total_tasks),
            )
            await trainings.add(connection, training, owner_id=self.owner_id, version_id=self.version_id, notes="")
        return training.id

    async def stop(self, training_id: UUID, reason: Reason = Reason.STOPPED_BY_USER) -> None:
        async with self.database.transaction() as connection:
            await trainings.ask_to_stop(connection, [training_id], by="ada", reason=reason)

    async def get(self, training_id: UUID) -> Training:
        async with self.database.read() as connection:
            record = await trainings.by_id(connection, training_id)
        assert record is not None
        return replace(record.training, namespace_message=record.namespace_message)

    async def wait(self, training_id: UUID, until: Callable[[Training], object], *, seconds: float = 60) -> Training:
        """The training once `until` says yes."""
        deadline = monotonic() + seconds
        while True:
            training = await self.get(training_id)
            if until(training):
                return training
            assert monotonic() < deadline, f"it stays {training.state}/{training.namespace_state}: {training}"
            await asyncio.sleep(0.05)

    async def rows_of(self, training_id: UUID, table: Any) -> list[Any]:
        query = select(table).where(table.c.training_id == training_id)
        async with self.database.read() as connection:
            return list((await connection.execute(query)).mappings())

    async def attempts(self, training_id: UUID) -> list[Any]:
        return await self.rows_of(training_id, attempts)

    async def tasks(self, training_id: UUID) -> dict[str, Any]:
        return {f"{row['role']}-{row['index']}": row for row in await self.rows_of(training_id, tasks)}

    async def events(self, training_id: UUID) -> list[Any]:
        return await self.rows_of(training_id, events)

    async def all_rows(self) -> list[Any]:
        async with self.database.read() as connection:
            return list((await connection.execute(select(rows).order_by(rows.c.id))).mappings())
