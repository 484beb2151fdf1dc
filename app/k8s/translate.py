"""From the API server's objects to what `decide` sees."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.domain.endpoints.seen import SeenDeployment, SeenReplica
from app.domain.seen import PodPhase, SeenJob, SeenNamespace, SeenPod, SeenWarning
from app.domain.termination import parse_termination
from app.domain.training import TaskKey
from app.k8s import objects
from app.k8s.manifests import labels
from app.k8s.manifests.jobs import CONTAINER

INDEX = "batch.kubernetes.io/job-completion-index"
FAILURES = "batch.kubernetes.io/job-index-failure-count"
IGNORED_FAILURES = "batch.kubernetes.io/job-index-ignored-failure-count"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# kubelet could not find the container any more, or there never was one; the exit code it gives, 137, is invented.
_UNKNOWN_END = "ContainerStatusUnknown"
_STUCK = {
    "NamespaceDeletionDiscoveryFailure",
    "NamespaceDeletionGroupVersionParsingFailure",
    "NamespaceDeletionContentFailure",
    "NamespaceContentRemaining",
    "NamespaceFinalizersRemaining",
}


def training_of(meta: objects.Meta) -> UUID | None:
    """The training that an object belongs to; None for one that is no training's."""
    try:
        return UUID(meta.labels.get(labels.TRAINING, ""))
    except ValueError:
        return None


def namespace(found: objects.Namespace, installation: str) -> SeenNamespace:
    meta = found.metadata
    stuck = [c.message for c in found.status.conditions or () if c.type in _STUCK and c.status == "True"]
    return SeenNamespace(
        name=meta.name,
        uid=meta.uid,
        ours=meta.labels.get(labels.INSTALLATION) == installation,
        deleting_since=meta.deletion_timestamp,
        stuck=" ".join(stuck),
        made_at=meta.creation_timestamp,
    )


def endpoint_of(meta: objects.Meta) -> UUID | None:
    """The endpoint that an object belongs to; None for one that is no endpoint's."""
    try:
        return UUID(meta.labels.get(labels.ENDPOINT, ""))
    except ValueError:
        return None


def deployment(found: objects.Deployment) -> SeenDeployment:
    meta, status = found.metadata, found.status
    gen = meta.annotations.get(labels.SPEC_GEN, "")
    conditions = {c.type: c for c in status.conditions or ()}
    failure, progress = conditions.get("ReplicaFailure"), conditions.get("Progressing")
    trouble = ""
    if failure is not None and failure.status == "True":
        trouble = failure.message
    elif progress is not None and progress.status == "False":
        trouble = progress.message
    return SeenDeployment(
        name=meta.name,
        uid=meta.uid,
        spec_gen=int(gen) if gen.isdigit() else 0,
        settled=status.observed_generation >= meta.generation,
        wanted=found.spec.replicas,
        updated=status.updated_replicas,
        ready=status.ready_replicas,
        replicas=status.replicas,
        trouble=trouble,
    )


def replica(found: objects.Replica, now: datetime) -> SeenReplica:
    """A pod of an endpoint; of several containers, the first that is not ready is told of."""
    meta, status = found.metadata, found.status
    containers = status.container_statuses or []
    told = next((c for c in containers if not c.ready), None)
    waiting = told.state.waiting if told else None
    ended = (told.state.terminated or told.last_state.terminated) if told else None
    scheduled = next((c for c in status.conditions or () if c.type == "PodScheduled"), None)
    return SeenReplica(
        name=meta.name,
        uid=meta.uid,
        workload=meta.labels.get(labels.WORKLOAD, ""),
        created_at=meta.creation_timestamp or now,
        ready=any(c.type == "Ready" and c.status == "True" for c in status.conditions or ()),
        node=sys.intern(found.spec.node_name),
        address=status.pod_ip,
        restarts=sum(c.restart_count for c in containers),
        waiting=sys.intern(waiting.reason) if waiting else "",
        waiting_message=waiting.message if waiting else "",
        waiting_since=now if waiting else None,
        scheduling=scheduled.message if scheduled and scheduled.status == "False" else "",
        last_end=f"{ended.reason}, exit code {ended.exit_code}".removeprefix(", ") if ended else "",
        deleting=meta.deletion_timestamp is not None,
    )


def job(found: objects.Job) -> SeenJob:
    status = found.status
    true = {c.type: c for c in status.conditions or () if c.status == "True"}
    end = true.get("Failed") or true.get("Complete")
    return SeenJob(
        role=found.metadata.labels.get(labels.ROLE, found.metadata.name),
        name=found.metadata.name,
        uid=found.metadata.uid,
        suspended=found.spec.suspend,
        suspension_done="Suspended" in true,
        finished=end is not None,
        active=status.active,
        terminating=status.terminating,
        completed_indexes=indexes(status.completed_indexes),
        failed_indexes=indexes(status.failed_indexes),
        message=end.message if end else "",
    )


def pod(found: objects.Pod, now: datetime) -> SeenPod | None:
    """None for a pod that is no task's."""
    meta, status = found.metadata, found.status
    key = _key(meta)
    if key is None:
        return None
    state = next((c.state for c in status.container_statuses or () if c.name == CONTAINER), objects.ContainerState())
    ended, waiting = state.terminated, state.waiting
    conditions = {c.type: c for c in status.conditions or ()}
    scheduled, disruption = conditions.get("PodScheduled"), conditions.get("DisruptionTarget")
    disrupted = disruption is not None and disruption.status == "True"
    return SeenPod(
        key=key,
        name=meta.name,
        uid=meta.uid,
        phase=_phase(status.phase),
        created_at=meta.creation_timestamp or now,
        failures=_count(meta, FAILURES),
        disruptions=_count(meta, IGNORED_FAILURES),
        node=sys.intern(found.spec.node_name) or None,
        ready=any(c.type == "Ready" and c.status == "True" for c in status.conditions or ()),
        scheduled_at=_since(conditions.get("PodScheduled")),
        sandbox_at=_since(conditions.get("PodReadyToStartContainers")),
        started_at=state.running.started_at if state.running else _moment(ended.started_at if ended else None),
        finished_at=_moment(ended.finished_at) if ended else _lost_at(status, disruption),
        exit_code=ended.exit_code if ended and ended.reason != _UNKNOWN_END else None,
        reason=sys.intern(status.reason or (ended.reason if ended else "")),
        message=_message(status, ended),
        waiting=sys.intern(waiting.reason) if waiting else "",
        waiting_message=waiting.message if waiting else "",
        waiting_since=now if waiting else None,
        scheduling=scheduled.message if scheduled and scheduled.status == "False" else "",
        disruption=sys.intern(disruption.reason) if disruption and disrupted else "",
        disruption_message=disruption.message if disruption and disrupted else "",
        termination=ended.message or None if ended else None,
        deleting_at=meta.deletion_timestamp,
        grace=timedelta(seconds=meta.deletion_grace_period_seconds),
    )


def warning(found: objects.Event) -> SeenWarning:
    meta, series = found.metadata, found.series
    first = found.first_timestamp or found.event_time or meta.creation_timestamp or _EPOCH
    last = (series.last_observed_time if series else None) or found.last_timestamp or first
    return SeenWarning(
        uid=meta.uid,
        reason=found.reason,
        kind=found.involved_object.kind,
        name=found.involved_object.name,
        message=found.message,
        count=(series.count if series else None) or found.count or 1,
        first_at=first,
        last_at=last,
    )


def reported_at(found: objects.Node) -> datetime | None:
    """When the node itself last wrote its status, by its own clock: whoever declares it lost leaves that time alone."""
    ready = next((c for c in found.status.conditions or () if c.type == "Ready"), None)
    return _moment(ready.last_heartbeat_time) if ready is not None else None


def not_ready_since(found: objects.Node) -> datetime | None:
    """Since when the node does not answer; None while it does."""
    ready = next((c for c in found.status.conditions or () if c.type == "Ready"), None)
    if ready is None or ready.status == "True":
        return None
    return ready.last_transition_time or found.metadata.creation_timestamp or _EPOCH


def indexes(text: str) -> frozenset[int]:
    """`0-2,5` as numbers."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def _key(meta: objects.Meta) -> TaskKey | None:
    role = meta.labels.get(labels.ROLE)
    index = meta.labels.get(INDEX, meta.annotations.get(INDEX, ""))
    return TaskKey(sys.intern(role), int(index)) if role and index.isdigit() else None


def _count(meta: objects.Meta, annotation: str) -> int:
    text = meta.annotations.get(annotation, "")
    return int(text) if text.isdigit() else 0


def _phase(text: str) -> PodPhase:
    try:
        return PodPhase(text)
    except ValueError:
        return PodPhase.UNKNOWN


def _moment(at: datetime | None) -> datetime | None:
    """Kubelet writes the year 1970 for what never happened."""
    return None if at is None or at.year <= 1970 else at


def _since(condition: objects.Condition | None) -> datetime | None:
    """Since when a condition is true; None while it is not, or not any more."""
    return condition.last_transition_time if condition is not None and condition.status == "True" else None


def _lost_at(status: objects.PodStatus, disruption: objects.Condition | None) -> datetime | None:
    """When a pod was given up of which nobody saw the end."""
    return disruption.last_transition_time if disruption is not None and status.phase == "Failed" else None


def _message(status: objects.PodStatus, ended: objects.Terminated | None) -> str:
    if status.message:
        return status.message
    if ended is None or parse_termination(ended.message) is not None:
        return ""
    return ended.message
