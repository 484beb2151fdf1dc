"""Why a task does not run yet, in the cluster's own words where it has any."""

from __future__ import annotations

import re

from app.domain.causes import clean
from app.domain.seen import PodPhase, Seen, SeenPod, SeenWarning
from app.domain.training import TaskKey

PULL_ERRORS = frozenset({"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "RegistryUnavailable"})
BAD_IMAGE = frozenset({"InvalidImageName", "ImageInspectError"})
BAD_CONTAINER = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})

# Nobody forbids anything: a controller is behind, as after an outage of the API server, and the Job tries again.
# Said by the admission plugins ServiceAccount and ResourceQuota.
_WILL_PASS = ("error looking up service account", "status unknown for quota")
_BACK_OFF = re.compile(r'^Back-off pulling image "[^"]*"(: ErrImagePull)?(: )?')
_VOLUME_TROUBLE = frozenset({"FailedMount", "FailedAttachVolume", "FailedMapVolume"})
_POD_TROUBLE = _VOLUME_TROUBLE | {"FailedCreatePodSandBox", "NetworkNotReady"}


def container_trouble(reason: str, message: str) -> str:
    """Why kubelet does not start a container, in its words and without a full stop.

    A pull that fails is told in the same way while it is tried and while kubelet waits to try again: it goes from one
    to the other every few seconds.
    """
    if reason in PULL_ERRORS:
        words = pull_trouble(message)
        return f"its image cannot be pulled: {words}" if words else "its image cannot be pulled"
    return f"{reason}: {clean(message)}" if message else reason


def pull_trouble(message: str) -> str:
    """Why a pull failed, without that it will be tried again; empty when kubelet says no more than that."""
    return clean(_BACK_OFF.sub("", message))


def why_waiting(key: TaskKey, pod: SeenPod | None, seen: Seen) -> str:
    """A sentence part without a full stop, such as `no node takes it: 0/1 nodes are available…`."""
    if pod is None or pod.gone or pod.phase is PodPhase.FAILED:
        refused = creation_trouble(key.role, seen)
        if refused is not None:
            return f"its pod was refused: {clean(refused.message)}"
        return "its pod is being replaced" if pod is not None else "its pod is not made yet"
    if pod.scheduling:
        return f"no node takes it: {clean(pod.scheduling)}"
    if pod.waiting in PULL_ERRORS | BAD_IMAGE | BAD_CONTAINER:
        return container_trouble(pod.waiting, pod.waiting_message)
    trouble = _latest(seen, "Pod", pod.name, _POD_TROUBLE)
    if trouble is not None:
        return clean(trouble.message)
    if pod.node:
        return f"its container is being made on node {pod.node}"
    return "it waits for a node"


def creation_trouble(role: str, seen: Seen) -> SeenWarning | None:
    """The newest refusal to make a pod of that role's Job; None when there is none."""
    return max(creation_troubles(role, seen), key=lambda warning: warning.last_at, default=None)


def creation_troubles(role: str, seen: Seen) -> list[SeenWarning]:
    """Every refusal to make a pod of that role's Job: each names another pod, so one cause is told many times."""
    job = seen.jobs.get(role)
    return [] if job is None else _of(seen, "Job", job.name, frozenset({"FailedCreate"}))


def will_pass(refusal: SeenWarning) -> bool:
    """Whether the cluster itself will end this trouble; until then the pending limit holds."""
    return any(words in refusal.message for words in _WILL_PASS)


def _latest(seen: Seen, kind: str, name: str, reasons: frozenset[str]) -> SeenWarning | None:
    return max(_of(seen, kind, name, reasons), key=lambda warning: warning.last_at, default=None)


def _of(seen: Seen, kind: str, name: str, reasons: frozenset[str]) -> list[SeenWarning]:
    return [w for w in seen.warnings if w.kind == kind and w.name == name and w.reason in reasons]
