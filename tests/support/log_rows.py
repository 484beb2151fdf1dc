"""Trainings with attempts, as far as logs are concerned: no project, no worker."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, text, update

from app.db import notify
from app.db.engine import Database
from app.db.ids import new_id
from app.db.tables import attempts, tasks, trainings
from app.domain.termination import LogDigest


@dataclass(frozen=True)
class TrainingRow:
    """A running training whose attempts come and end as the test says."""

    database: Database
    id: UUID
    namespace: str

    async def attempt(self, role: str, index: int = 0, number: int = 1, *, pod: str, state: str = "running") -> UUID:
        attempt_id = new_id()
        now = datetime.now(UTC)
        async with self.database.transaction() as connection:
            key = {"training_id": self.id, "role": role, "index": index}
            if number == 1:
                await connection.execute(insert(tasks).values(**key))
            await connection.execute(
                insert(attempts).values(
                    **key,
                    id=attempt_id,
                    number=number,
                    pod_name=pod,
                    pod_uid=str(uuid4()),
                    state=state,
                    created_at=now,
                    started_at=None if state == "pending" else now,
                )
            )
            notify.publish(connection, "trainings", self.id)
        return attempt_id

    async def ended_tasks(self, role: str, terminations: dict[str, str]) -> list[UUID]:
        """A task for each pod, its only attempt over, with that pod's termination message."""
        now = datetime.now(UTC)
        keys = [{"training_id": self.id, "role": role, "index": n} for n in range(len(terminations))]
        common = {"number": 1, "state": "succeeded", "created_at": now, "started_at": now, "finished_at": now}
        rows = [
            {**key, **common, "id": new_id(), "pod_name": pod, "pod_uid": str(uuid4()), "termination": said}
            for key, (pod, said) in zip(keys, terminations.items(), strict=True)
        ]
        async with self.database.transaction() as connection:
            await connection.execute(insert(tasks), keys)
            await connection.execute(insert(attempts), rows)
        return [row["id"] for row in rows]

    async def add_tasks(self, role: str, count: int) -> None:
        rows = [{"training_id": self.id, "role": role, "index": n} for n in range(count)]
        async with self.database.transaction() as connection:
            await connection.execute(insert(tasks), rows)

    async def end_attempt(self, attempt_id: UUID, *, state: str = "succeeded", termination: str | None = None) -> None:
        async with self.database.transaction() as connection:
            await connection.execute(
                update(attempts)
                .where(attempts.c.id == attempt_id)
                .values(state=state, termination=termination, finished_at=datetime.now(UTC))
            )
            notify.publish(connection, "trainings", self.id)

    async def end(self) -> None:
        async with self.database.transaction() as connection:
            await connection.execute(update(trainings).where(trainings.c.id == self.id).values(state="succeeded"))
            notify.publish(connection, "trainings", self.id)


async def add_training(database: Database, namespace: str = "taas-digits-1-abcde") -> TrainingRow:
    training_id = new_id()
    async with database.transaction() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))  # it stands alone: no project
        await connection.execute(
            insert(trainings).values(
                id=training_id,
                project_id=uuid4(),
                project="digits",
                owner_id=uuid4(),
                number=1,
                spec={},
                version_id=uuid4(),
                trigger="user",
                created_by="ada",
                state="running",
                namespace=namespace,
                namespace_state="present",
                tasks_total=1,
            )
        )
    return TrainingRow(database, training_id, namespace)


async def attempt_row(database: Database, attempt_id: UUID) -> Any:
    async with database.read() as connection:
        return (await connection.execute(attempts.select().where(attempts.c.id == attempt_id))).one()


def said_of(output: bytes, exit_code: int = 0) -> str:
    """The termination message of a task that wrote `output`."""
    digest = LogDigest()
    digest.update(output)
    total = digest.sum()
    message = {"v": 1, "exit": exit_code, "phase": "run", "lines": total.lines, "bytes": total.bytes}
    return json.dumps(message | {"sha256": total.sha256})
