"""Looking at one training in the cluster, and asking again before anything is concluded from what is not there."""

from __future__ import annotations

from collections.abc import Callable

from app.domain.seen import Seen
from app.domain.training import NamespaceState, State, Training
from app.k8s.cluster import Cluster


class Looker:
    """`cluster` gives the present connection, None while there is none."""

    def __init__(self, cluster: Callable[[], Cluster | None]) -> None:
        self._cluster = cluster

    async def look(self, training: Training) -> Seen:
        """What is seen now. May raise ClusterError when the API server has to be asked and does not answer."""
        cluster = self._cluster()
        if cluster is None or not cluster.fresh:
            return Seen(fresh=False)
        seen = cluster.seen(training.id, training.namespace)
        if training.namespace is None:
            return seen
        if seen.namespace is None and _absence_means_much(training):
            # Another worker may have made it just now: a watch is a little behind.
            await cluster.confirm_namespace(training.namespace)
            seen = cluster.seen(training.id, training.namespace)
        expects_jobs = training.state in (State.RUNNING, State.STOPPING)
        if expects_jobs and seen.namespace is not None and set(training.spec.run.roles) - set(seen.jobs):
            await cluster.confirm_jobs(training.namespace)
            seen = cluster.seen(training.id, training.namespace)
        return seen


def _absence_means_much(training: Training) -> bool:
    """A launch that has not written down its namespace yet makes it; everything else concludes something."""
    launching = training.state is State.STARTING and training.namespace_uid is None
    if launching and training.stop_requested_at is not None:
        return True
    return not launching and training.namespace_state is not NamespaceState.GONE
