"""Putting a project's newest model live when the serving's rule says that it is better, and saying why when not."""

from __future__ import annotations

from uuid import UUID

from app.db import endpoints, promotions, trainings
from app.db.engine import Database, DatabaseUnavailable
from app.db.promotions import Due, Judged
from app.domain.access import Principal
from app.domain.endpoints.endpoint import Kind
from app.domain.endpoints.promotion import Candidate, Verdict, judge
from app.domain.paging import Page, PageRequest
from app.errors import TaasError
from app.services.endpoints import known
from app.services.servings import ModelChoice, ServingService


class PromotionService:
    """Each model is judged once, after all of its training's metrics are read. Doing it twice changes nothing."""

    def __init__(self, database: Database, servings: ServingService) -> None:
        self._database = database
        self._servings = servings

    async def carry_out(self) -> None:
        """Judge what is due."""
        async with self._database.read() as connection:
            found = await promotions.due(connection)
        for due in found:
            verdict = await self._verdict(due)
            async with self._database.transaction() as connection:
                await promotions.add(connection, due, verdict)

    async def page(self, principal: Principal, serving_id: UUID, request: PageRequest) -> Page[Judged]:
        """What became of each model, the newest first. Raises `NotFound`."""
        async with self._database.read() as connection:
            known(await endpoints.by_id(connection, serving_id), Kind.SERVING, serving_id)
            return await promotions.page(connection, serving_id, request)

    async def _verdict(self, due: Due) -> Verdict:
        if due.owner_disabled:
            return Verdict(False, f"{due.owner.name}, who made the serving, is not active any more.")
        async with self._database.read() as connection:
            serving = known(await endpoints.by_id(connection, due.serving_id), Kind.SERVING, due.serving_id).serving
            rule, live = serving.promotion, serving.version(serving.live)
            record = await trainings.by_id(connection, due.training_id)
            if rule is None or record is None:
                return Verdict(False, "The rule or the record was removed meanwhile.")
            name = f"{record.training.project} #{record.training.number}"
            new = Candidate(name, await promotions.value(connection, due.training_id, rule))
            old = None
            if live.training_id is not None:
                old = Candidate(live.source, await promotions.value(connection, live.training_id, rule))
        if live.training_id == due.training_id:
            return Verdict(True, f"{name} is live already.")
        verdict = judge(rule, new, old)
        if not verdict.promoted:
            return verdict
        try:
            await self._servings.add_version(due.owner, due.serving_id, ModelChoice(due.training_id))
        except DatabaseUnavailable:
            raise
        except TaasError as exc:
            return Verdict(False, f"It should have gone live, and could not: {exc.detail}")
        return verdict
