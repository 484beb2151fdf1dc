"""Whether TaaS is ready, and what is not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from app.db import migrate, workers
from app.db.engine import Database
from app.errors import TaasError

# A worker says it is there every few seconds.
SEEN_WITHIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so; `detail` says in a sentence how it is.

    `required` ones are what this process cannot answer requests without; the others are what trainings need to run.
    """

    name: str
    ok: bool
    detail: str
    required: bool = True


class HealthService:
    """Looks; changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def checks(self) -> list[Check]:
        try:
            return [Check("database", True, "PostgreSQL answers."), *await self._in_database()]
        except TaasError as exc:
            return [Check("database", False, exc.detail)]

    async def problems(self) -> list[str]:
        """What is not right, a sentence each; what only a worker could say is left out while there is none."""
        wrong = [check for check in await self.checks() if not check.ok]
        no_worker = any(check.name == "worker" for check in wrong)
        return [check.detail for check in wrong if not (no_worker and check.name == "cluster")]

    async def _in_database(self) -> list[Check]:
        at, wanted = await migrate.current(self._database), migrate.newest()
        if at != wanted:
            detail = f"The schema is at {at or 'nothing'}, this version needs {wanted}: run `taas migrate`."
            return [Check("migrations", False, detail)]
        async with self._database.read() as connection:
            seen = await workers.seen_lately(connection, SEEN_WITHIN)
        return [Check("migrations", True, f"The schema is at {at}."), _worker(seen), _cluster(seen)]


def _worker(seen: list[workers.Worker]) -> Check:
    if not seen:
        detail = f"No worker was seen in the last {SEEN_WITHIN.seconds} seconds: trainings wait until one runs."
        return Check("worker", False, f"{detail} Start `taas worker`.", required=False)
    return Check("worker", True, f"Seen: {', '.join(worker.name for worker in seen)}.", required=False)


def _cluster(seen: list[workers.Worker]) -> Check:
    well = [worker for worker in seen if not worker.problem]
    if well:
        return Check("cluster", True, f"Connected to {well[0].cluster}.", required=False)
    problem = seen[0].problem if seen else "Unknown: only a worker can say."
    return Check("cluster", False, problem, required=False)
