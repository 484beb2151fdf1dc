"""Starting what follows a success. The start was written down with the success itself; here it is carried out."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import follows
from app.db.engine import Database, DatabaseUnavailable
from app.db.follows import DueStart
from app.domain import chain
from app.domain.record import TrainingRecord
from app.domain.template import BadTemplate
from app.domain.training import StorageMount, Training, Trigger
from app.errors import Conflict, InvalidInput, NotAllowed, TaasError
from app.k8s.manifests.volumes import model_folder
from app.services.freeze import LaunchRequest
from app.services.launching import LaunchService


class Chains:
    """Each start and the training it makes are one transaction: dying in between loses or doubles nothing."""

    def __init__(self, database: Database, launching: LaunchService) -> None:
        self._database = database
        self._launching = launching

    async def carry_out(self) -> int:
        """Carry out what is due; how many starts there were."""
        done = 0
        while await self._one():
            done += 1
        return done

    async def _one(self) -> bool:
        async with self._database.transaction() as connection:
            due = await follows.take_due(connection)
            if due is None:
                return False
            try:
                async with connection.begin_nested():
                    record = await self._start(connection, due)
            except DatabaseUnavailable:
                raise
            except TaasError as exc:
                await follows.finish(connection, due, problem=exc.detail)
            else:
                await follows.finish(connection, due, training_id=record.training.id)
        return True

    async def _start(self, connection: AsyncConnection, due: DueStart) -> TrainingRecord:
        if due.owner_disabled:
            raise NotAllowed(f"The owner of {due.follow.project} is not active any more: an admin can help.")
        model = _model(due.upstream) if chain.wants_model(due.follow.params) else None
        try:
            params = chain.fill(due.follow.params, due.upstream, model_folder(model) if model else None)
        except BadTemplate as exc:
            raise InvalidInput(str(exc)) from exc
        request = LaunchRequest(params=params, model=model)
        return await self._launching.start_within(
            connection, due.owner, due.follow.project, request, trigger=Trigger.CHAIN
        )


def _model(upstream: Training) -> StorageMount:
    """Its model directory on its storage. Raises `Conflict` when it has none."""
    storage = upstream.spec.storage
    if storage is None:
        raise Conflict(
            f"{upstream.project} #{upstream.number} has no storage, so its model is gone. Give the project a storage."
        )
    return replace(storage, folder=f"{storage.folder}/models/{upstream.number}")
