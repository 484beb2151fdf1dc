"""Why an endpoint does not answer yet, in the cluster's own words where it has any."""

from __future__ import annotations

from app.domain.causes import clean
from app.domain.endpoints.seen import SeenEndpoint, SeenReplica
from app.domain.waiting import BAD_CONTAINER, BAD_IMAGE, PULL_ERRORS, container_trouble

_CRASHES = "CrashLoopBackOff"
_POD_TROUBLE = frozenset({"FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox"})


def why_waiting(seen: SeenEndpoint) -> str:
    """A sentence part without a full stop, such as `no node takes it: 0/1 nodes are available…`."""
    replica = newest_waiting(seen)
    if replica is not None:
        return _of_replica(replica, seen)
    trouble = next((one.trouble for one in seen.deployments.values() if one.trouble), "")
    return f"its pod was refused: {clean(trouble)}" if trouble else "its pod is not made yet"


def newest_waiting(seen: SeenEndpoint) -> SeenReplica | None:
    """The pod that was made last of those that are not ready."""
    waiting = [replica for replica in seen.replicas if not replica.ready and not replica.deleting]
    return max(waiting, key=lambda replica: replica.created_at, default=None)


def _of_replica(replica: SeenReplica, seen: SeenEndpoint) -> str:
    if replica.scheduling:
        return f"no node takes it: {clean(replica.scheduling)}"
    if replica.waiting == _CRASHES or (replica.restarts and not replica.ready):
        how = f" ({replica.last_end})" if replica.last_end else ""
        return f"its program has ended {replica.restarts} times{how} and is started again"
    if replica.waiting in PULL_ERRORS | BAD_IMAGE | BAD_CONTAINER:
        return container_trouble(replica.waiting, replica.waiting_message)
    fitting = [w for w in seen.warnings if w.kind == "Pod" and w.name == replica.name and w.reason in _POD_TROUBLE]
    if fitting:
        return clean(max(fitting, key=lambda warning: warning.last_at).message)
    if replica.waiting:
        return f"its container is being made on node {replica.node}"
    return "its program is starting" if replica.node else "it waits for a node"
