"""Claim, look, decide, write, act: one training at a time, and never a call to the cluster inside a transaction.

What a decision writes is committed under the claim's epoch before its actions are done. A worker that has lost its
claim writes nothing more, and what it may still do to the cluster is harmless.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

import structlog

from app import telemetry
from app.db import claims, reconcile, running_queue
from app.db.claims import Claimed
from app.db.engine import Database
from app.db.reconcile import Admission, Holder, Outcome
from app.domain import sentences
from app.domain.actions import Action
from app.domain.causes import clean
from app.domain.decide import decide
from app.domain.decision import Decision, Policy, Status
from app.domain.seen import Refusal, Seen
from app.domain.training import NamespaceState, State
from app.errors import ClusterError, TaasError
from app.k8s.apply import Refused
from app.scheduler.actions import Actor, Archive
from app.scheduler.looking import Looker
from app.scheduler.memory import Memory
from app.settings import Settings

ROUNDS = 12
"""More steps than any training takes at one go; the rest would be a mistake going round in circles."""

_log = structlog.get_logger(__name__)


class Reconciler:
    """Works on one claimed training after the other; the loop that claims them is the worker's."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        worker: str,
        looker: Looker,
        actor: Callable[[], Actor | None],
        archive: Archive,
    ) -> None:
        self.database = database
        self.settings = settings
        self.worker = worker
        self.looker = looker
        self.actor = actor
        self.archive = archive
        self.memory = Memory()
        self.policy = Policy(evaluator_grace=settings.evaluator_grace, node_lost_after=settings.node_lost_after)

    async def claim(self, most: int) -> list[Claimed]:
        """Due trainings that this worker may now work on."""
        async with self.database.transaction() as connection:
            return await claims.claim(connection, worker=self.worker, seconds=self.settings.claim_seconds, most=most)

    async def work(self, claimed: Claimed) -> None:
        """Take one training as far as it goes now, and give it back."""
        structlog.contextvars.bind_contextvars(training=str(claimed.training.id))
        renewing = asyncio.create_task(self._renew(claimed), name="renew claim")
        try:
            with telemetry.DECISIONS.time():
                await _Visit(self, claimed).go()
        except TaasError as exc:
            # Usually the database is away: the claim runs out, and whoever is next goes on from the row.
            _log.warning("left undone", problem=exc.detail)
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing

    async def wake_queue(self, project_id: UUID) -> None:
        """A training of this project has ended: whoever is next is due, and who waits for it looks again."""
        async with self.database.transaction() as connection:
            await running_queue.wake(connection, self.settings.running_limit)
            await running_queue.wake_behind(connection, project_id)

    async def _renew(self, claimed: Claimed) -> None:
        seconds = self.settings.claim_seconds
        while True:
            await asyncio.sleep(seconds / 3)
            with suppress(TaasError):
                async with self.database.transaction() as connection:
                    held = await claims.renew(
                        connection, claimed.training.id, epoch=claimed.epoch, worker=self.worker, seconds=seconds
                    )
                if not held:
                    return


class _Visit:
    """One claim's work on one training."""

    def __init__(self, owner: Reconciler, claimed: Claimed) -> None:
        self._owner = owner
        self._training = claimed.training
        self._holder = Holder(owner.worker, claimed.epoch)
        self._base = claimed.now - timedelta(seconds=monotonic())
        self._refusals: tuple[Refusal, ...] = ()
        self._memory = owner.memory.of(claimed.training.id)

    async def go(self) -> None:
        """Decide and act until there is nothing to do but wait."""
        done: tuple[Action, ...] = ()
        for _ in range(ROUNDS):
            seen = await self._look()
            now = self._now()
            decision = decide(self._training, seen, self._owner.policy, now)
            rests = decision.wake_at is None or decision.wake_at > now
            if rests and decision.actions in ((), done):
                await self._write(decision, seen, last=True)
                return
            if not await self._write(decision, seen):
                return
            if decision.needs_slot and self._training.state is State.QUEUED:
                return await self._release(self._now() + self._owner.policy.queue_look)
            done = decision.actions
            trouble = await self._act(decision)
            if trouble is not None:
                return await self._release(self._now() + trouble)
        _log.warning("does not come to rest", state=self._training.state)
        await self._release(self._now() + self._owner.policy.stuck_look)

    async def _look(self) -> Seen:
        """What is seen, with what only the database and this visit know."""
        owner = self._owner
        try:
            seen = await owner.looker.look(self._training)
        except ClusterError as exc:
            _log.info("cannot look", problem=exc.detail)
            seen = Seen(fresh=False)
        # Only once the end is written: then every attempt has its row.
        archived = self._training.state.ended and await owner.archive.complete(self._training.id)
        return replace(seen, refusals=self._refusals, logs_archived=archived)

    async def _write(self, decision: Decision, seen: Seen, *, last: bool = False) -> bool:
        """False when the claim is lost: then this visit is over. `last`: give the claim back with it."""
        owner, memory = self._owner, self._memory
        outcome = Outcome(
            decision.status,
            tasks=memory.new_tasks(decision.tasks),
            pods=memory.new_pods(seen.pods),
            warnings=memory.new_warnings(seen.warnings),
            present=[pod.uid for pod in seen.pods] if seen.fresh and not memory.looked else None,
        )
        limit = Admission(owner.settings.running_limit) if decision.needs_slot else None
        before = self._training
        async with owner.database.transaction() as connection:
            written = await reconcile.write(
                connection, before, outcome, holder=self._holder, now=self._now(), admission=limit
            )
            if last and written is not None:
                await reconcile.release(connection, written, holder=self._holder, wake_at=decision.wake_at)
        if written is None:
            _log.info("claim lost", epoch=self._holder.epoch)
            return False
        memory.wrote(outcome, looked=seen.fresh)
        self._training = written
        if (written.state.ended and not before.state.ended) or (written.archived_at and not before.archived_at):
            await owner.wake_queue(written.project_id)
        if written.state.ended and not before.state.ended:
            telemetry.ENDED.labels(written.state.value, written.reason.value if written.reason else "").inc()
        if last and decision.wake_at is None:
            owner.memory.forget(written.id)
        return True

    async def _act(self, decision: Decision) -> timedelta | None:
        """Do what was decided; after a trouble that may pass, how long to wait before trying again."""
        actor = self._owner.actor()
        for action in decision.actions:
            if actor is None:
                return self._owner.policy.unfresh_look
            try:
                await actor.perform(self._training, action)
            except Refused as exc:
                self._refusals = (exc.refusal,)
                return None
            except TaasError as exc:
                wait = self._memory.failed()
                _log.warning("action failed", action=type(action).__name__, problem=exc.detail, wait=wait)
                await self._say(sentences.cluster_trouble(clean(exc.detail)))
                return timedelta(seconds=wait)
        self._memory.worked()
        return None

    async def _say(self, message: str) -> None:
        status = Status.of(self._training)
        if self._training.state is State.STARTING:
            status = replace(status, message=message)
        elif self._training.namespace_state is NamespaceState.DELETING:
            status = replace(status, namespace_message=message)
        await self._write(Decision(status, None), Seen(fresh=False))

    async def _release(self, wake_at: datetime | None) -> None:
        async with self._owner.database.transaction() as connection:
            await reconcile.release(connection, self._training, holder=self._holder, wake_at=wake_at)

    def _now(self) -> datetime:
        """The database's clock, carried on by this process's own."""
        return self._base + timedelta(seconds=monotonic())
