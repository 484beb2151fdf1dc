"""The cache of what the cluster holds of trainings, fed by watches and by what this process has just done.

Of two states of one object the one with the larger resource version is the newer: an answer to a call and a watch
event may arrive in either order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from app.domain.seen import Seen, SeenJob, SeenNamespace, SeenPod
from app.domain.waiting import BAD_CONTAINER, PULL_ERRORS
from app.k8s import objects, translate
from app.k8s.nodes import Nodes
from app.k8s.warnings import Warnings

KEEP_GONE = timedelta(minutes=1)
"""How long a pod that is gone is still told of: its end must have been written down by then."""

_namespace = msgspec.json.Decoder(objects.Namespace)
_job = msgspec.json.Decoder(objects.Job)
_jobs = msgspec.json.Decoder(objects.ObjectList[objects.Job])


@dataclass(slots=True)
class _Objects:
    """What the cluster holds of one training."""

    jobs: dict[str, tuple[int, SeenJob]] = field(default_factory=dict)
    pods: dict[str, SeenPod] = field(default_factory=dict)


class Cache:
    """`changed` is called with the id of each training of which something changed.

    `other_namespaces` are those that are not trainings' and whose warnings are kept all the same.
    """

    def __init__(
        self,
        installation: str,
        changed: Callable[[UUID], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        other_namespaces: Callable[[], set[str]] = set,
    ) -> None:
        self.installation = installation
        self.nodes = Nodes(self._node_changed)
        self.warnings = Warnings(self._warned)
        self._tell = changed
        self._now = now
        self._other_namespaces = other_namespaces
        self._namespaces: dict[str, tuple[int, SeenNamespace, UUID]] = {}
        self._trainings: dict[UUID, _Objects] = {}
        self._gone: dict[tuple[UUID, str], datetime] = {}

    def seen(self, training_id: UUID, namespace: str | None, *, fresh: bool) -> Seen:
        """What is known of one training now; `fresh` as the watches are."""
        found = self._trainings.get(training_id, _Objects())
        held = self._namespaces.get(namespace or "")
        nodes = {pod.node for pod in found.pods.values() if pod.node}
        return Seen(
            fresh=fresh,
            namespace=replace(held[1], ours=held[1].ours and held[2] == training_id) if held else None,
            jobs={job.role: job for _, job in found.jobs.values()},
            pods=tuple(found.pods.values()),
            warnings=self.warnings.of(namespace or ""),
            not_ready={name: since for name in nodes if (since := self.nodes.not_ready.get(name)) is not None},
        )

    def namespaces(self) -> list[tuple[SeenNamespace, UUID]]:
        """Every namespace of a training of this installation, with the training's id."""
        return [(namespace, training_id) for _, namespace, training_id in self._namespaces.values()]

    def learn_namespace(self, data: bytes | None, name: str) -> None:
        """The API server's own words on a namespace, from a call just made; None: it is not there."""
        if data is None:
            self._namespaces.pop(name, None)
        else:
            self._put_namespace(_namespace.decode(data))

    def learn_job(self, data: bytes) -> None:
        """The same for a Job."""
        self._put_job(_job.decode(data))

    def learn_jobs(self, data: bytes | None) -> None:
        """The same for a list of Jobs."""
        for item in _jobs.decode(data).items if data is not None else ():
            self._put_job(item)

    def forget_gone(self) -> None:
        """Drop pods that have been gone long enough, and warnings of namespaces that are no more."""
        limit = self._now() - KEEP_GONE
        for (training_id, uid), since in list(self._gone.items()):
            if since > limit:
                continue
            del self._gone[training_id, uid]
            found = self._trainings.get(training_id)
            if found is not None:
                found.pods.pop(uid, None)
                self._drop_empty(training_id)
        self.warnings.forget(set(self._namespaces) | self._other_namespaces(), limit)

    def namespaces_replaced(self, items: list[objects.Namespace], version: int) -> None:
        listed = {item.metadata.name for item in items}
        for name, (known, _, training_id) in list(self._namespaces.items()):
            if name not in listed and known <= version:
                del self._namespaces[name]
                self._tell(training_id)
        for item in items:
            self._put_namespace(item)

    def namespace_changed(self, item: objects.Namespace, deleted: bool) -> None:
        if not deleted:
            return self._put_namespace(item)
        held = self._namespaces.get(item.metadata.name)
        if held is not None and held[1].uid == item.metadata.uid:
            del self._namespaces[item.metadata.name]
            self._tell(held[2])

    def _put_namespace(self, item: objects.Namespace) -> None:
        meta = item.metadata
        training_id = translate.training_of(meta) or UUID(int=0)
        held = self._namespaces.get(meta.name)
        if held is not None and held[0] >= meta.version:
            return
        namespace = translate.namespace(item, self.installation)
        self._namespaces[meta.name] = (meta.version, namespace, training_id)
        if held is None or held[1] != namespace:
            self._tell(training_id)

    def jobs_replaced(self, items: list[objects.Job], version: int) -> None:
        listed = {item.metadata.uid for item in items}
        for training_id, found in list(self._trainings.items()):
            for uid, (known, _) in list(found.jobs.items()):
                if uid not in listed and known <= version:
                    self._drop_job(training_id, uid)
        for item in items:
            self._put_job(item)

    def job_changed(self, item: objects.Job, deleted: bool) -> None:
        training_id = translate.training_of(item.metadata)
        if training_id is None:
            return
        if deleted:
            self._drop_job(training_id, item.metadata.uid)
        else:
            self._put_job(item)

    def _put_job(self, item: objects.Job) -> None:
        meta = item.metadata
        training_id = translate.training_of(meta)
        if training_id is None:
            return
        jobs = self._trainings.setdefault(training_id, _Objects()).jobs
        held = jobs.get(meta.uid)
        if held is not None and held[0] >= meta.version:
            return
        job = translate.job(item)
        jobs[meta.uid] = (meta.version, job)
        if held is None or held[1] != job:
            self._tell(training_id)

    def _drop_job(self, training_id: UUID, uid: str) -> None:
        found = self._trainings.get(training_id)
        if found is not None and found.jobs.pop(uid, None) is not None:
            self._drop_empty(training_id)
            self._tell(training_id)

    def pods_replaced(self, items: list[objects.Pod], version: int) -> None:
        listed = {item.metadata.uid for item in items}
        for training_id, found in list(self._trainings.items()):
            for uid, pod in list(found.pods.items()):
                if uid not in listed and not pod.gone:
                    self._pod_gone(training_id, pod)
        for item in items:
            self.pod_changed(item, False)

    def pod_changed(self, item: objects.Pod, deleted: bool) -> None:
        training_id = translate.training_of(item.metadata)
        pod = translate.pod(item, self._now())
        if training_id is None or pod is None:
            return
        pods = self._trainings.setdefault(training_id, _Objects()).pods
        held = pods.get(pod.uid)
        if held is not None and _same_trouble(held, pod):
            pod = replace(pod, waiting_since=held.waiting_since)
        if held is not None and (held.deleting_at is not None or held.ended):
            # In the end kubelet deletes it once more, without grace: when it was first told is what counts, if that
            # was before it had ended.
            pod = replace(pod, deleting_at=held.deleting_at, grace=held.grace)
        if deleted:
            self._pod_gone(training_id, pod)
        elif held != pod:
            pods[pod.uid] = pod
            self._tell(training_id)

    def _pod_gone(self, training_id: UUID, pod: SeenPod) -> None:
        now = self._now()
        gone = replace(pod, gone=True, finished_at=pod.finished_at or now)
        self._trainings.setdefault(training_id, _Objects()).pods[pod.uid] = gone
        self._gone[training_id, pod.uid] = now
        self._tell(training_id)

    def _drop_empty(self, training_id: UUID) -> None:
        found = self._trainings.get(training_id)
        if found is not None and not found.jobs and not found.pods:
            del self._trainings[training_id]

    def _node_changed(self, name: str) -> None:
        for training_id, found in self._trainings.items():
            if any(pod.node == name for pod in found.pods.values()):
                self._tell(training_id)

    def _warned(self, namespace: str) -> None:
        held = self._namespaces.get(namespace)
        if held is not None:
            self._tell(held[2])


def _same_trouble(old: SeenPod, new: SeenPod) -> bool:
    """Whether it still waits for the same thing: kubelet alternates between two words for one trouble."""
    if old.waiting == new.waiting:
        return bool(new.waiting)
    return any({old.waiting, new.waiting} <= words for words in (PULL_ERRORS, BAD_CONTAINER))
