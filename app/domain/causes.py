"""Why a try of a task failed, whether it is tried again, and the sentence with its remedy."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.exit_codes import explain
from app.domain.project import Role, RunSpec
from app.domain.seen import SeenPod
from app.domain.training import Reason

NODE_LOST = "NodeLost"
"""The word that TaaS itself writes on a pod whose node does not answer."""

LOST_WITH_NODE = frozenset({NODE_LOST, "DeletionByTaintManager", "DeletionByPodGC"})
EVICTIONS = frozenset({"EvictionByEvictionAPI", "TerminationByKubelet", "PreemptionByScheduler"})
DISRUPTIONS = LOST_WITH_NODE | EVICTIONS
"""Ends that are the cluster's doing: they do not use up a try."""

_CANNOT_START = frozenset({"StartError", "ContainerCannotRun", "RunContainerError", "CreateContainerError"})


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a try ended badly. `again`: its Job makes another one."""

    reason: Reason
    sentence: str
    again: bool


def cause_of(pod: SeenPod, run: RunSpec) -> Cause:
    """What is to be said of a failed pod."""
    task = str(pod.key)
    if pod.disruption:
        return _disrupted(pod)
    if pod.reason == "OOMKilled" and pod.exit_code != 0:
        return Cause(Reason.OUT_OF_MEMORY, _out_of_memory(task, _role(pod, run)), again=False)
    if pod.reason in _CANNOT_START:
        return Cause(Reason.INVALID_IMAGE, _cannot_start(task, pod.message, run.image), again=False)
    if pod.reason == "DeadlineExceeded":
        return Cause(Reason.MAX_DURATION, f"{task} was ended by the cluster at its time limit.", again=False)
    if pod.reason == "Evicted":
        return Cause(Reason.EVICTED, _used_too_much(task, pod.message), again=False)
    again = pod.failures < run.task_retries
    return Cause(Reason.TASK_FAILED, _exited(pod, run.task_retries), again=again)


def _role(pod: SeenPod, run: RunSpec) -> Role:
    return run.roles.get(pod.key.role, Role())


def _disrupted(pod: SeenPod) -> Cause:
    words = f" ({clean(pod.disruption_message)})" if pod.disruption_message else ""
    where = f" {pod.node}" if pod.node else ""
    if pod.disruption in LOST_WITH_NODE:
        return Cause(Reason.NODE_LOST, f"{pod.key} was lost with its node{where}{words}.", again=True)
    verb = "made room for a more important pod" if pod.disruption == "PreemptionByScheduler" else "was evicted"
    return Cause(Reason.EVICTED, f"{pod.key} {verb} on node{where}{words}.", again=True)


def _out_of_memory(task: str, role: Role) -> str:
    return (
        f"{task} was killed because it used more than its {role.resources.memory} of memory. "
        f"Raise the role's memory or lower the batch size."
    )


def _cannot_start(task: str, message: str, image: str) -> str:
    words = f": {clean(message)}" if message else ""
    return (
        f"{task} could not be started from the image {image}{words}. "
        "The image needs bash, tar, gzip and coreutils, for this machine's architecture."
    )


def _used_too_much(task: str, message: str) -> str:
    words = f": {clean(message)}" if message else ""
    return f"{task} was evicted from its node{words}. Write less to local disk, or raise the role's ephemeral_storage."


def _exited(pod: SeenPod, retries: int) -> str:
    code = pod.exit_code
    if code is None:
        words = f": {clean(pod.message or pod.reason)}" if pod.message or pod.reason else ""
        sentence = f"{pod.key} failed without an exit code{words}."
    else:
        meaning = explain(code)
        sentence = f"{pod.key} ended with exit code {code}{f' ({meaning})' if meaning else ''}."
    if retries:
        sentence += f" It was try {pod.failures + 1} of {retries + 1}."
    return sentence


def clean(words: str, limit: int = 400) -> str:
    """The cluster's words on one line, without their full stop, at most `limit` characters."""
    line = " ".join(words.split()).rstrip(".")
    return line if len(line) <= limit else line[: limit - 1] + "…"
