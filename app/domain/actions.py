"""What a worker may do to the cluster for one training: frozen values, made by `decide`, done by an applier.

Each is harmless when it is done again, also by a worker that no longer holds the claim: names are fixed, deletions
and changes carry the UID they are meant for.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CreateNamespace:
    """Make (or adopt) the namespace; its UID is written to the row before anything is made inside."""

    name: str


@dataclass(frozen=True, slots=True)
class CreateChildren:
    """Make (or adopt) everything inside the namespace, the Jobs last."""

    namespace: str
    namespace_uid: str


@dataclass(frozen=True, slots=True)
class SuspendJob:
    """Remove a role's pods that run, keep those that ended, and leave the Job as a tombstone."""

    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class FailPod:
    """Declare a pod failed whose node does not answer, so that its Job replaces it."""

    namespace: str
    name: str
    uid: str
    message: str


@dataclass(frozen=True, slots=True)
class ForceDeletePod:
    """Remove a pod without waiting for its node."""

    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class ArchiveEvidence:
    """See to it that logs, exit codes and events of every try are stored."""


@dataclass(frozen=True, slots=True)
class DeleteNamespace:
    """Delete the namespace, if it is still the one with that UID."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class DeleteJobs:
    """Delete the Jobs of a namespace that is being deleted: one with a retry waiting would keep it for ever."""

    namespace: str


@dataclass(frozen=True, slots=True)
class DeleteVolumes:
    """Delete the training's PersistentVolumes, which outlive its namespace."""


Action = (
    CreateNamespace
    | CreateChildren
    | SuspendJob
    | FailPod
    | ForceDeletePod
    | ArchiveEvidence
    | DeleteNamespace
    | DeleteJobs
    | DeleteVolumes
)
ACTIONS: tuple[type, ...] = (
    CreateNamespace,
    CreateChildren,
    SuspendJob,
    FailPod,
    ForceDeletePod,
    ArchiveEvidence,
    DeleteNamespace,
    DeleteJobs,
    DeleteVolumes,
)
