"""Trainings on record: read, waited for, asked to stop, annotated."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.db import audit, handovers, records, trainings
from app.db.engine import Database
from app.db.notify import ANYTHING, Listener
from app.domain import sentences
from app.domain.access import Action, Principal, can
from app.domain.paging import Page, PageRequest
from app.domain.record import AttemptRecord, EventRecord, LastSuccess, TaskRecord, TrainingFilter, TrainingRecord
from app.domain.training import Reason, TaskKey, Training
from app.errors import Conflict, NotAllowed, NotFound
from app.services.access import require

BULK_MAX = 1_000
LOOK_SECONDS = 3.0
"""How often somebody who waits looks by themselves: hints can be lost."""
CLOSING_SECONDS = 0.5
"""How soon somebody who waits notices that the process is about to end."""


@dataclass(frozen=True, slots=True)
class BulkStop:
    """Which trainings were asked to stop, and which were left alone, with the reason in words."""

    stopping: tuple[UUID, ...]
    left: tuple[tuple[UUID, str], ...]


class TrainingService:
    """Everybody sees every record; the project's owner and admins stop and annotate."""

    def __init__(self, database: Database, listener: Listener) -> None:
        self._database = database
        self._listener = listener

    async def get(self, principal: Principal, training_id: UUID) -> TrainingRecord:
        """Raises `NotFound`."""
        async with self._database.read() as connection:
            found = await trainings.by_id(connection, training_id)
        if found is None:
            raise unknown_training(training_id)
        return found

    async def page(self, principal: Principal, which: TrainingFilter, request: PageRequest) -> Page[TrainingRecord]:
        """The newest first."""
        async with self._database.read() as connection:
            return await trainings.page(connection, which, request)

    async def wait(
        self, principal: Principal, training_id: UUID, known: str | None, *, seconds: float, closing: asyncio.Event
    ) -> TrainingRecord:
        """The record as soon as its revision is not `known` (None: the present one), or after `seconds`.

        Ends early when `closing` is set. Raises `NotFound`.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        with self._listener.subscribe(trainings.CHANNEL) as changes:
            record = await self.get(principal, training_id)
            known = known or record.revision
            looked = loop.time()
            while record.revision == known and not closing.is_set() and (left := end - loop.time()) > 0:
                hints = await changes.take(min(left, CLOSING_SECONDS))
                if not hints & {str(training_id), ANYTHING} and loop.time() - looked < LOOK_SECONDS:
                    continue
                looked = loop.time()
                if await self._revision(training_id) != known:
                    record = await self.get(principal, training_id)
        return record

    async def success_before(self, principal: Principal, training: Training) -> LastSuccess | None:
        """The project's last training that succeeded before this one, if there was one lately."""
        async with self._database.read() as connection:
            return await records.success_before(connection, training)

    async def tasks(self, principal: Principal, training_id: UUID, request: PageRequest) -> Page[TaskRecord]:
        """By role and index, each with its tries. Raises `NotFound`."""
        await self.get(principal, training_id)
        async with self._database.read() as connection:
            return await records.tasks_page(connection, training_id, request)

    async def all_tasks(self, principal: Principal, training_id: UUID) -> list[TaskRecord]:
        """All of them in the same order, without their tries. Raises `NotFound`."""
        await self.get(principal, training_id)
        async with self._database.read() as connection:
            return await records.all_tasks(connection, training_id)

    async def tries_of(
        self, principal: Principal, training_id: UUID, keys: Sequence[TaskKey]
    ) -> dict[TaskKey, list[AttemptRecord]]:
        """The tries of these tasks. Raises `NotFound`."""
        await self.get(principal, training_id)
        async with self._database.read() as connection:
            return await records.tries_of(connection, training_id, keys)

    async def events(self, principal: Principal, training_id: UUID, request: PageRequest) -> Page[EventRecord]:
        """In the order in which they were first told. Raises `NotFound`."""
        await self.get(principal, training_id)
        async with self._database.read() as connection:
            return await records.events_page(connection, training_id, request)

    async def stop(self, principal: Principal, training_id: UUID) -> TrainingRecord:
        """Ask it to stop; asking again, or after its end, changes nothing. Raises `NotFound` and `NotAllowed`."""
        record = await self.get(principal, training_id)
        _may_change(principal, record)
        await self._ask(principal, [training_id])
        return await self.get(principal, training_id)

    async def stop_many(self, principal: Principal, ids: Sequence[UUID]) -> BulkStop:
        """Ask several at once; those that cannot be stopped by this person, or have ended, are named."""
        require(principal, Action.CREATE)
        async with self._database.read() as connection:
            found = {record.training.id: record for record in await trainings.by_ids(connection, ids)}
        left = {
            training_id: reason
            for training_id in ids
            if (reason := _why_not(principal, found.get(training_id))) is not None
        }
        wanted = [training_id for training_id in dict.fromkeys(ids) if training_id not in left]
        await self._ask(principal, wanted)
        return BulkStop(tuple(wanted), tuple(left.items()))

    async def stop_project(self, principal: Principal, project: str) -> BulkStop:
        """Ask all of a project's trainings that have not ended."""
        async with self._database.read() as connection:
            ids = await trainings.live_ids(connection, project, BULK_MAX)
        return await self.stop_many(principal, ids)

    async def unproven(self, principal: Principal, training: Training) -> list[tuple[str, str]]:
        """The lost nodes on which something of it may still run, each with a sentence that says what proves its end."""
        if not training.state.ended:
            return []
        async with self._database.read() as connection:
            nodes = await handovers.unproven_nodes(connection, training.id)
        name = f"{training.project} #{training.number}"
        return [(node, sentences.may_still_run(name, node)) for node in nodes]

    async def release(self, principal: Principal, training_id: UUID) -> TrainingRecord:
        """A person says that nothing of it runs on a lost node any more: the next one need not wait for the node.

        Raises `NotFound`, `NotAllowed`, and `Conflict` while it has not ended.
        """
        record = await self.get(principal, training_id)
        _may_change(principal, record)
        if not record.training.state.ended:
            raise Conflict(f"{record.training.project} #{record.training.number} has not ended: stop it first.")
        async with self._database.transaction() as connection:
            if await handovers.release(connection, training_id, by=principal.name):
                told = f"{principal.name} says that nothing of it runs any more."
                await records.add_event(connection, training_id, reason="Released", message=told)
                await audit.record(connection, principal.name, "training.release", f"training/{training_id}")
        return await self.get(principal, training_id)

    async def annotate(self, principal: Principal, training_id: UUID, notes: str) -> TrainingRecord:
        """Replace its notes. Raises `NotFound` and `NotAllowed`."""
        _may_change(principal, await self.get(principal, training_id))
        async with self._database.transaction() as connection:
            await trainings.set_notes(connection, training_id, notes)
            await audit.record(connection, principal.name, "training.annotate", f"training/{training_id}")
        return await self.get(principal, training_id)

    async def _revision(self, training_id: UUID) -> str | None:
        async with self._database.read() as connection:
            return await trainings.revision(connection, training_id)

    async def _ask(self, principal: Principal, ids: Sequence[UUID]) -> None:
        async with self._database.transaction() as connection:
            asked = await trainings.ask_to_stop(connection, ids, by=principal.name, reason=Reason.STOPPED_BY_USER)
            for training_id in asked:
                await records.add_event(
                    connection, training_id, reason="StopRequested", message=f"{principal.name} asked it to stop."
                )
                await audit.record(connection, principal.name, "training.stop", f"training/{training_id}")


def unknown_training(training_id: UUID) -> NotFound:
    return NotFound(f"There is no training {training_id}.")


def _may_change(principal: Principal, record: TrainingRecord) -> None:
    training = record.training
    if not can(principal, Action.CHANGE, owner_id=record.owner_id):
        raise NotAllowed(f"{training.project} #{training.number} is not yours: only its owner and admins may.")


def _why_not(principal: Principal, record: TrainingRecord | None) -> str | None:
    if record is None:
        return "There is no such training."
    if not can(principal, Action.CHANGE, owner_id=record.owner_id):
        return "It is not yours."
    return "It has ended already." if record.training.state.ended else None
