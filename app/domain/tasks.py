"""How each task of a training is, from its pods and its role's Job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domain.causes import cause_of
from app.domain.project import RunSpec
from app.domain.seen import PodPhase, Seen, SeenPod
from app.domain.training import TaskKey, TaskState
from app.domain.waiting import why_waiting


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """The status columns of a task's row."""

    key: TaskKey
    state: TaskState
    message: str = ""
    attempts: int = 0
    node: str | None = None
    exit_code: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


def all_tasks(run: RunSpec) -> list[TaskKey]:
    """Every task of the spec, in its order."""
    return [TaskKey(role, index) for role, spec in run.roles.items() for index in range(spec.count)]


def task_statuses(run: RunSpec, seen: Seen, *, over: bool) -> tuple[TaskStatus, ...]:
    """Each task that something can be said of. `over`: the training ends, so what still runs is being removed.

    A task whose pods are gone says nothing unless its Job still knows how it ended: its row keeps what it has.
    """
    newest = seen.latest()
    found = (_status(key, newest.get(key), run, seen, over) for key in all_tasks(run))
    return tuple(status for status in found if status is not None)


def succeeded(key: TaskKey, pod: SeenPod | None, seen: Seen) -> bool:
    """Whether the task has done its work."""
    job = seen.job_of(key)
    return (pod is not None and pod.phase is PodPhase.SUCCEEDED) or (
        job is not None and key.index in job.completed_indexes
    )


def out_of_tries(key: TaskKey, pod: SeenPod | None, run: RunSpec, seen: Seen) -> bool:
    """Whether the task failed and is not tried again."""
    job = seen.job_of(key)
    if job is not None and key.index in job.failed_indexes:
        return True
    return pod is not None and pod.phase is PodPhase.FAILED and not cause_of(pod, run).again


def _status(key: TaskKey, pod: SeenPod | None, run: RunSpec, seen: Seen, over: bool) -> TaskStatus | None:
    if over and pod is not None and pod.removed:
        return _from_pod(key, TaskState.REMOVED, pod, "")
    if succeeded(key, pod, seen):
        return _from_pod(key, TaskState.SUCCEEDED, pod, "")
    if pod is not None and pod.phase is PodPhase.FAILED:
        cause = cause_of(pod, run)
        if out_of_tries(key, pod, run, seen):
            return _from_pod(key, TaskState.FAILED, pod, cause.sentence)
        if over:
            return _from_pod(key, TaskState.REMOVED, pod, cause.sentence)
        return _from_pod(key, TaskState.WAITING, pod, f"{cause.sentence} It is being tried again.")
    if out_of_tries(key, pod, run, seen):
        return TaskStatus(key, TaskState.FAILED, "It failed, and its pod is gone.")
    if pod is not None and pod.running and pod.deleting_at is None:
        return _from_pod(key, TaskState.RUNNING, pod, "")
    if over:
        return _from_pod(key, TaskState.REMOVED, pod, "") if pod is not None else None
    if pod is None:
        return TaskStatus(key, TaskState.WAITING, why_waiting(key, pod, seen))
    state = TaskState.WAITING if pod.gone else TaskState.PENDING
    return _from_pod(key, state, pod, why_waiting(key, pod, seen))


def _from_pod(key: TaskKey, state: TaskState, pod: SeenPod | None, message: str) -> TaskStatus:
    if pod is None:
        return TaskStatus(key, state, message)
    return TaskStatus(key, state, message, pod.attempt, pod.node, pod.exit_code, pod.started_at, pod.finished_at)
