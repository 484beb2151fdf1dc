"""How a serving lives: it serves until somebody stops it, through every change of its model."""

from __future__ import annotations

from datetime import timedelta

from app.domain.decision import Horizon
from app.domain.endpoints import sentences
from app.domain.endpoints.decision import End
from app.domain.endpoints.endpoint import Endpoint
from app.domain.endpoints.seen import SeenDeployment, SeenEndpoint
from app.domain.endpoints.serving import ServingSpec
from app.domain.endpoints.serving_names import BALANCER, CANARY, LIVE, STATS_PORT
from app.domain.endpoints.waiting import why_waiting


class Serving:
    """Replicas of a model and what balances between them. It has no time within which it must start: whoever serves
    wants it to go on trying, and the page says what it waits for."""

    prefix = "serving"
    start_timeout: timedelta | None = None
    dialled: tuple[str, int] | None = (BALANCER, STATS_PORT)

    def workloads(self, endpoint: Endpoint) -> frozenset[str]:
        spec = endpoint.serving
        return frozenset(
            {LIVE} | ({CANARY} if spec.canary else set()) | (set() if spec.balancing.gateway else {BALANCER})
        )

    def ready(self, endpoint: Endpoint, seen: SeenEndpoint) -> bool:
        """Whether a request is answered: a replica and a balancer are ready, whatever version they are of."""
        needed = self.workloads(endpoint) - {CANARY}
        return all(any(replica.ready and replica.workload == one for replica in seen.replicas) for one in needed)

    def end(self, endpoint: Endpoint, seen: SeenEndpoint, horizon: Horizon) -> End | None:
        """Never by itself."""
        return None

    def note(self, endpoint: Endpoint, seen: SeenEndpoint) -> str:
        """What is still under way while it answers; empty when everything is as its spec says."""
        spec = endpoint.serving
        for name, number in self._versions(spec):
            deployment = seen.deployments.get(name)
            if deployment is None or not deployment.rolled_out:
                return _rolling(number, deployment, seen)
        balancer = seen.deployments.get(BALANCER)
        if balancer is not None and not balancer.rolled_out:
            return sentences.balancers_change()
        return ""

    def _versions(self, spec: ServingSpec) -> list[tuple[str, int]]:
        return [(LIVE, spec.live)] + ([(CANARY, spec.canary.version)] if spec.canary else [])


def _rolling(number: int, deployment: SeenDeployment | None, seen: SeenEndpoint) -> str:
    if deployment is None:
        return sentences.version_rolls(number, 0, 0)
    if deployment.trouble:
        return sentences.version_stuck(number, why_waiting(seen))
    return sentences.version_rolls(number, min(deployment.updated, deployment.ready), deployment.wanted)
