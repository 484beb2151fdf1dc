"""Claim, look, decide, write, act: one endpoint at a time, and never a call to the cluster inside a transaction.

As for trainings, what a decision writes is committed under the claim's epoch before its actions are done.
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

from app.db import endpoint_status
from app.db.claiming import Claim, Holder
from app.db.endpoint_status import ENDPOINTS
from app.db.engine import Database
from app.domain.causes import clean
from app.domain.endpoints import sentences
from app.domain.endpoints.decide import decide
from app.domain.endpoints.decision import Action, EndpointPolicy, EndpointStatus
from app.domain.endpoints.endpoint import Endpoint
from app.domain.endpoints.seen import SeenEndpoint
from app.domain.seen import Refusal
from app.errors import ClusterError, TaasError
from app.k8s.apply import Refused
from app.k8s.cluster import Cluster
from app.scheduler.endpoint_actions import EndpointActor
from app.settings import Settings

ROUNDS = 12
"""More steps than any endpoint takes at one go; the rest would be a mistake going round in circles."""
LONGEST_WAIT = 30.0

_log = structlog.get_logger(__name__)


class EndpointReconciler:
    """Works on one claimed endpoint after the other; `cluster` and `actor` give None while there is no connection."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        worker: str,
        cluster: Callable[[], Cluster | None],
        actor: Callable[[], EndpointActor | None],
        policy: EndpointPolicy = EndpointPolicy(),
    ) -> None:
        self.database = database
        self.settings = settings
        self.worker = worker
        self.cluster = cluster
        self.actor = actor
        self.policy = policy
        self.failures: dict[UUID, int] = {}

    async def claim(self, most: int) -> list[Claim[Endpoint]]:
        """Due endpoints that this worker may now work on."""
        async with self.database.transaction() as connection:
            return await ENDPOINTS.claim(connection, worker=self.worker, seconds=self.settings.claim_seconds, most=most)

    async def work(self, claimed: Claim[Endpoint]) -> None:
        """Take one endpoint as far as it goes now, and give it back."""
        structlog.contextvars.bind_contextvars(endpoint=str(claimed.id))
        renewing = asyncio.create_task(self._renew(claimed), name="renew claim")
        try:
            await _Visit(self, claimed).go()
        except TaasError as exc:
            # Usually the database is away: the claim runs out, and whoever is next goes on from the row.
            _log.warning("left undone", problem=exc.detail)
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing

    async def look(self, endpoint: Endpoint) -> SeenEndpoint:
        """What is seen now; the API server itself is asked before anything is concluded from what is not there."""
        cluster = self.cluster()
        if cluster is None or not cluster.endpoints_fresh:
            return SeenEndpoint(fresh=False)
        seen = cluster.seen_endpoint(endpoint.id, endpoint.namespace)
        if endpoint.state.ended or endpoint.namespace is None or seen.namespace is not None:
            return seen
        try:
            await cluster.confirm_endpoint_namespace(endpoint.namespace)
        except ClusterError as exc:
            _log.info("cannot look", problem=exc.detail)
            return SeenEndpoint(fresh=False)
        return cluster.seen_endpoint(endpoint.id, endpoint.namespace)

    async def _renew(self, claimed: Claim[Endpoint]) -> None:
        seconds = self.settings.claim_seconds
        while True:
            await asyncio.sleep(seconds / 3)
            with suppress(TaasError):
                async with self.database.transaction() as connection:
                    held = await ENDPOINTS.renew(
                        connection, claimed.id, epoch=claimed.epoch, worker=self.worker, seconds=seconds
                    )
                if not held:
                    return


class _Visit:
    """One claim's work on one endpoint."""

    def __init__(self, owner: EndpointReconciler, claimed: Claim[Endpoint]) -> None:
        self._owner = owner
        self._endpoint = claimed.value
        self._holder = Holder(owner.worker, claimed.epoch)
        self._base = claimed.now - timedelta(seconds=monotonic())
        self._refusals: tuple[Refusal, ...] = ()
        self._addresses: dict[str, str] = {}

    async def go(self) -> None:
        """Decide and act until there is nothing to do but wait."""
        done: tuple[Action, ...] = ()
        for _ in range(ROUNDS):
            seen = await self._owner.look(self._endpoint)
            seen = replace(seen, refusals=self._refusals, addresses=self._addresses)
            now = self._now()
            decision = decide(self._endpoint, seen, self._owner.policy, now)
            if not await self._write(decision.status):
                return
            rests = decision.wake_at is None or decision.wake_at > now
            if rests and decision.actions in ((), done):
                return await self._release(decision.wake_at)
            done = decision.actions
            trouble = await self._act(done)
            if trouble is not None:
                return await self._release(self._now() + trouble)
        _log.warning("does not come to rest", state=self._endpoint.state)
        await self._release(self._now() + self._owner.policy.stuck_look)

    async def _write(self, status: EndpointStatus) -> bool:
        """False when the claim is lost: then this visit is over."""
        async with self._owner.database.transaction() as connection:
            written = await endpoint_status.write(connection, self._endpoint, status, holder=self._holder)
        if written is None:
            _log.info("claim lost", epoch=self._holder.epoch)
            return False
        self._endpoint = written
        return True

    async def _act(self, actions: tuple[Action, ...]) -> timedelta | None:
        """Do what was decided; after a trouble that may pass, how long to wait before trying again."""
        for action in actions:
            actor = self._owner.actor()
            if actor is None:
                return self._owner.policy.unfresh_look
            try:
                self._addresses |= await actor.perform(self._endpoint, action)
            except Refused as exc:
                self._refusals = (exc.refusal,)
                return None
            except TaasError as exc:
                failures = self._owner.failures.get(self._endpoint.id, 0) + 1
                self._owner.failures[self._endpoint.id] = failures
                wait = min(LONGEST_WAIT, 0.5 * 2.0**failures)
                _log.warning("action failed", action=type(action).__name__, problem=exc.detail, wait=wait)
                status = EndpointStatus.of(self._endpoint)
                await self._write(replace(status, message=sentences.cluster_trouble(clean(exc.detail))))
                return timedelta(seconds=wait)
        self._owner.failures.pop(self._endpoint.id, None)
        return None

    async def _release(self, wake_at: datetime | None) -> None:
        async with self._owner.database.transaction() as connection:
            await endpoint_status.release(connection, self._endpoint, holder=self._holder, wake_at=wake_at)

    def _now(self) -> datetime:
        """The database's clock, carried on by this process's own."""
        return self._base + timedelta(seconds=monotonic())
