"""After the end: keep the evidence, then take the namespace away, and believe that it is gone only when it is."""

from __future__ import annotations

from dataclasses import replace

from app.domain import sentences
from app.domain.actions import Action, ArchiveEvidence, DeleteJobs, DeleteNamespace, DeleteVolumes
from app.domain.decision import Decision, Horizon, Policy, Status
from app.domain.seen import Seen, SeenNamespace
from app.domain.training import NamespaceState, Training


def collect(training: Training, status: Status, seen: Seen, policy: Policy, horizon: Horizon) -> Decision:
    """The next step for an ended training: archive, wait for `keep_namespace`, delete, wait until it is gone."""
    if status.archived_at is None:
        if not seen.logs_archived:
            horizon.look_in(policy.archive_look)
            if status.namespace_state is NamespaceState.PRESENT:
                status = replace(status, namespace_message=sentences.archiving())
            return Decision(status, horizon.next, (ArchiveEvidence(),))
        status = replace(status, archived_at=horizon.now)
    namespace = seen.namespace
    if status.namespace is None or status.namespace_state is NamespaceState.GONE:
        return Decision(status, None)
    if namespace is None or not namespace.ours or namespace.uid != (status.namespace_uid or namespace.uid):
        return _gone(training, status)
    status = replace(status, namespace_uid=namespace.uid)
    if namespace.deleting:
        return _being_deleted(training, status, seen, policy, horizon)
    until = (status.finished_at or horizon.now) + training.spec.run.keep_namespace
    if status.namespace_state is not NamespaceState.DELETING and not horizon.passed(until):
        kept = replace(status, namespace_state=NamespaceState.PRESENT, namespace_message="")
        return Decision(kept, horizon.next)
    horizon.look_in(policy.stuck_look)
    status = replace(status, namespace_state=NamespaceState.DELETING, namespace_message="")
    return Decision(status, horizon.next, deletions(training, namespace))


def deletions(training: Training, namespace: SeenNamespace) -> tuple[Action, ...]:
    """Everything that takes a training's objects away.

    The volumes first: once the namespace is being deleted nothing else asks for them again. The Jobs last: they are
    the tombstones that a late create runs into for as long as the namespace takes it.
    """
    return (*_volumes(training), DeleteNamespace(namespace.name, namespace.uid), DeleteJobs(namespace.name))


def _volumes(training: Training) -> tuple[Action, ...]:
    return (DeleteVolumes(),) if training.spec.storage else ()


def _being_deleted(training: Training, status: Status, seen: Seen, policy: Policy, horizon: Horizon) -> Decision:
    """Wait, show what it is stuck on, and do again what a crash between two deletions may have left out."""
    namespace = seen.namespace
    since = None if namespace is None else namespace.deleting_since
    stuck = "" if namespace is None else namespace.stuck
    status = replace(
        status, namespace_state=NamespaceState.DELETING, namespace_message=stuck or status.namespace_message
    )
    slow = since is not None and horizon.passed(since + policy.stuck_look)
    horizon.look_in(policy.stuck_look)
    left = slow and namespace is not None and seen.jobs
    return Decision(status, horizon.next, (*_volumes(training), DeleteJobs(status.namespace or "")) if left else ())


def _gone(training: Training, status: Status) -> Decision:
    """The API server has it no more. Deleted by somebody else, its volumes may still be there."""
    by_us = status.namespace_state is NamespaceState.DELETING
    actions = () if by_us else _volumes(training)
    return Decision(replace(status, namespace_state=NamespaceState.GONE, namespace_message=""), None, actions)
