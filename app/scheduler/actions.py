"""From a decided action to the call that does it."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from app.domain.actions import (
    Action,
    ArchiveEvidence,
    CreateChildren,
    CreateNamespace,
    DeleteJobs,
    DeleteNamespace,
    DeleteVolumes,
    FailPod,
    ForceDeletePod,
    SuspendJob,
)
from app.domain.training import Training
from app.k8s.apply import Applier
from app.scheduler.launching import Launcher


class Archive(Protocol):
    """Who keeps the logs."""

    async def request(self, training_id: UUID) -> None:
        """See to it that the logs of all attempts are stored soon."""

    async def complete(self, training_id: UUID) -> bool:
        """Whether they are."""


class Actor:
    """Does one action after the other. Raises ClusterError or another TaasError (try later), or Refused."""

    def __init__(self, applier: Applier, launcher: Launcher, archive: Archive) -> None:
        self._applier = applier
        self._launcher = launcher
        self._archive = archive

    async def perform(self, training: Training, action: Action) -> None:
        applier = self._applier
        match action:
            case CreateNamespace():
                await applier.create_namespace(self._launcher.namespace(training))
            case CreateChildren():
                await applier.create_children(await self._launcher.objects(training))
            case SuspendJob(namespace, name, uid):
                await applier.suspend_job(namespace, name, uid)
            case FailPod(namespace, name, uid, message):
                await applier.fail_pod(namespace, name, uid, message)
            case ForceDeletePod(namespace, name, uid):
                await applier.force_delete_pod(namespace, name, uid)
            case ArchiveEvidence():
                await self._archive.request(training.id)
            case DeleteNamespace(name, uid):
                await applier.delete_namespace(name, uid)
            case DeleteJobs(namespace):
                await applier.delete_jobs(namespace)
            case DeleteVolumes():
                await applier.delete_volumes(training.id)
