"""What the kinds of endpoint do differently: `decide` asks these, and a new kind is one more of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from app.domain.decision import Horizon
from app.domain.endpoints import sentences
from app.domain.endpoints.decision import End
from app.domain.endpoints.endpoint import Endpoint, EndpointReason, Kind
from app.domain.endpoints.seen import SeenEndpoint
from app.domain.endpoints.serving_kind import Serving


class Behaviour(Protocol):
    """How one kind of endpoint lives."""

    @property
    def prefix(self) -> str:
        """Its namespaces begin with `taas-<prefix>-`."""

    @property
    def start_timeout(self) -> timedelta | None:
        """How long it may take to be ready before it has failed; None: it goes on trying."""

    @property
    def dialled(self) -> tuple[str, int] | None:
        """The Deployment whose ready pods TaaS connects to one by one, at that port; None: the Services are enough."""

    def workloads(self, endpoint: Endpoint) -> frozenset[str]:
        """The names of the Deployments that its spec asks for."""

    def ready(self, endpoint: Endpoint, seen: SeenEndpoint) -> bool:
        """Whether it answers requests."""

    def end(self, endpoint: Endpoint, seen: SeenEndpoint, horizon: Horizon) -> End | None:
        """Why it ends by itself now; moments at which it may are left with the horizon."""

    def note(self, endpoint: Endpoint, seen: SeenEndpoint) -> str:
        """What is to be said of one that runs; empty: nothing."""


class TensorBoard:
    """One pod, for as long as somebody looks at it."""

    prefix = "tb"
    start_timeout = timedelta(minutes=15)
    dialled: tuple[str, int] | None = None

    def workloads(self, endpoint: Endpoint) -> frozenset[str]:
        return frozenset({"tensorboard"})

    def ready(self, endpoint: Endpoint, seen: SeenEndpoint) -> bool:
        return any(deployment.ready for deployment in seen.deployments.values())

    def end(self, endpoint: Endpoint, seen: SeenEndpoint, horizon: Horizon) -> End | None:
        """When nobody has asked it for anything for its idle time."""
        if endpoint.running_at is None:
            return None
        used = max(endpoint.running_at, endpoint.last_request_at or endpoint.running_at)
        if not horizon.passed(used + endpoint.tensorboard.idle_timeout):
            return None
        return End(EndpointReason.IDLE, sentences.idle(endpoint.tensorboard.idle_timeout))

    def note(self, endpoint: Endpoint, seen: SeenEndpoint) -> str:
        return ""


BEHAVIOURS: Mapping[Kind, Behaviour] = {Kind.TENSORBOARD: TensorBoard(), Kind.SERVING: Serving()}
