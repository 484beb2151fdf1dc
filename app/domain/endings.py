"""Whether a training is over, and why: success first, then a person's wish, then what went wrong, then the limits."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.domain import sentences
from app.domain.causes import LOST_WITH_NODE, Cause, cause_of, clean
from app.domain.decision import End, Horizon, Policy
from app.domain.project import RunSpec, Success
from app.domain.seen import PodPhase, Refusal, Seen, SeenPod
from app.domain.tasks import all_tasks, out_of_tries, succeeded
from app.domain.training import Reason, TaskKey, Training
from app.domain.waiting import (
    BAD_CONTAINER,
    BAD_IMAGE,
    PULL_ERRORS,
    creation_troubles,
    pull_trouble,
    why_waiting,
    will_pass,
)

_DEFINITE = ("not found", "manifest unknown", "denied", "unauthorized", "forbidden", "invalid reference")
_QUOTA = ("exceeded quota", "must specify", "maximum ", "minimum ", "limitranger")
HELPERS = frozenset({"ps", "evaluator"})
"""Roles that serve the others: their end is nobody's success."""


def find_end(training: Training, seen: Seen, policy: Policy, horizon: Horizon) -> End | None:
    """Why the training is over; None while it is not. For a training that is starting or running."""
    return (
        _success(training, seen)
        or stop_wish(training)
        or _namespace_lost(training, seen)
        or _refused(seen)
        or _task_failed(training, seen, policy, horizon)
        or _bad_image(training, seen, policy, horizon)
        or _pods_refused(training, seen, policy, horizon)
        or _running_too_long(training, horizon)
        or _waiting_too_long(training, seen, horizon)
    )


def stop_wish(training: Training) -> End | None:
    """The end that somebody asked for."""
    if training.stop_requested_at is None:
        return None
    reason = training.stop_reason or Reason.STOPPED_BY_USER
    return End(reason, sentences.stopped(reason, training.stop_requested_by))


def deciding_tasks(run: RunSpec) -> list[TaskKey]:
    """The tasks whose success is the training's."""
    tasks = all_tasks(run)
    if run.success is Success.CHIEF:
        return [key for key in tasks if key.role in ("chief", "master")]
    if run.success is Success.WORKER_0:
        return [TaskKey("worker", 0)]
    return [key for key in tasks if key.role not in HELPERS]


def _success(training: Training, seen: Seen) -> End | None:
    newest = seen.latest()
    deciding = deciding_tasks(training.spec.run)
    if deciding and all(succeeded(key, newest.get(key), seen) for key in deciding):
        return End(Reason.COMPLETED, "")
    return None


def _namespace_lost(training: Training, seen: Seen) -> End | None:
    if training.namespace_uid is None:
        return None
    namespace = seen.namespace
    if namespace is None or namespace.uid != training.namespace_uid or namespace.deleting:
        return End(Reason.NAMESPACE_LOST, sentences.namespace_lost(training.namespace or ""))
    missing = [role for role in training.spec.run.roles if role not in seen.jobs]
    if missing and training.started_at is not None:
        return End(Reason.NAMESPACE_LOST, sentences.job_lost(missing[0]))
    return None


def _refused(seen: Seen) -> End | None:
    if not seen.refusals:
        return None
    refusal = seen.refusals[0]
    return End(_reason_of_refusal(refusal.message), _refusal_sentence(refusal))


def _refusal_sentence(refusal: Refusal) -> str:
    if _reason_of_refusal(refusal.message) is Reason.QUOTA:
        return sentences.quota(refusal.object, clean(refusal.message))
    return sentences.refused(refusal.object, clean(refusal.message))


def _reason_of_refusal(message: str) -> Reason:
    return Reason.QUOTA if any(word in message.lower() for word in _QUOTA) else Reason.INTERNAL_ERROR


def _task_failed(training: Training, seen: Seen, policy: Policy, horizon: Horizon) -> End | None:
    run = training.spec.run
    newest = seen.latest()
    failed = [key for key in all_tasks(run) if _has_failed(key, newest.get(key), run, seen, policy)]
    if not failed:
        return None
    pods = [pod for key in failed if (pod := newest.get(key)) is not None and pod.phase is PodPhase.FAILED]
    if not pods:
        job = seen.job_of(failed[0])
        return End(Reason.TASK_FAILED, sentences.failed_unseen(str(failed[0]), clean(job.message) if job else ""))
    first = min(pods, key=lambda pod: (pod.ended_at, pod.key))
    settled = first.ended_at + policy.settle
    if first.key not in deciding_tasks(run) and not horizon.passed(settled):
        return None
    cause = cause_of(first, run)
    return End(cause.reason, sentences.with_others(_sentence(cause, first), len(failed) - 1))


def _has_failed(key: TaskKey, pod: SeenPod | None, run: RunSpec, seen: Seen, policy: Policy) -> bool:
    if out_of_tries(key, pod, run, seen):
        return True
    return pod is not None and pod.phase is PodPhase.FAILED and _disrupted_too_often(pod, policy)


def _disrupted_too_often(pod: SeenPod, policy: Policy) -> bool:
    return bool(pod.disruption) and pod.disruptions + 1 >= policy.most_disruptions


def _sentence(cause: Cause, pod: SeenPod) -> str:
    return sentences.too_often(cause.sentence, pod.disruptions + 1) if pod.disruption else cause.sentence


def _bad_image(training: Training, seen: Seen, policy: Policy, horizon: Horizon) -> End | None:
    image = training.spec.run.image
    for pod in sorted(seen.latest().values(), key=lambda pod: pod.key):
        if not pod.active or not pod.waiting:
            continue
        words = clean(pod.waiting_message)
        if pod.waiting in BAD_IMAGE:
            return End(Reason.INVALID_IMAGE, sentences.invalid_image(str(pod.key), image, words))
        if pod.waiting in BAD_CONTAINER and horizon.passed(_since(pod) + policy.absent_image_patience):
            return End(Reason.INVALID_IMAGE, sentences.bad_container(str(pod.key), image, words))
        if pod.waiting in PULL_ERRORS and horizon.passed(_since(pod) + _pull_patience(pod, policy)):
            why = pull_trouble(pod.waiting_message)
            return End(Reason.IMAGE_PULL_FAILED, sentences.image_pull_failed(str(pod.key), image, why))
    return None


def _since(pod: SeenPod) -> datetime:
    return pod.waiting_since or pod.created_at


def _pull_patience(pod: SeenPod, policy: Policy) -> timedelta:
    if pod.waiting == "ErrImageNeverPull" or any(word in pod.waiting_message.lower() for word in _DEFINITE):
        return policy.absent_image_patience
    return policy.image_patience


def _pods_refused(training: Training, seen: Seen, policy: Policy, horizon: Horizon) -> End | None:
    """A Job that may not make its pods: quota, limits, Pod Security, an admission webhook."""
    newest = seen.latest()
    for key in all_tasks(training.spec.run):
        pod = newest.get(key)
        if pod is not None and (pod.active or pod.phase is PodPhase.SUCCEEDED):
            continue
        told = [one for one in creation_troubles(key.role, seen) if pod is None or one.last_at > pod.ended_at]
        newest_told = max(told, key=lambda warning: warning.last_at, default=None)
        if newest_told is None or will_pass(newest_told):
            continue
        since = min(warning.first_at for warning in told if not will_pass(warning))
        if horizon.passed(since + policy.refusal_patience):
            return End(
                _reason_of_refusal(newest_told.message),
                _refusal_sentence(Refusal(f"the pods of role {key.role}", 403, newest_told.message)),
            )
    return None


def _running_too_long(training: Training, horizon: Horizon) -> End | None:
    limit = training.spec.run.max_duration
    if limit is None or not horizon.passed(training.running_deadline):
        return None
    return End(Reason.MAX_DURATION, sentences.max_duration(limit))


def _waiting_too_long(training: Training, seen: Seen, horizon: Horizon) -> End | None:
    """The pending limit: for all tasks while starting, for each task that waits again later on."""
    run = training.spec.run
    newest = seen.latest()
    for key in all_tasks(run):
        pod = newest.get(key)
        if succeeded(key, pod, seen) or (pod is not None and pod.running):
            continue
        since = training.starting_at if training.started_at is None else _waits_since(pod, training)
        if since is None or not horizon.passed(since + run.pending_timeout):
            continue
        lost_to = _lost_to(key, pod, seen)
        if training.started_at is not None and lost_to is not None:
            return End(lost_to, sentences.not_replaced(str(key), run.pending_timeout, why_waiting(key, pod, seen)))
        why = why_waiting(key, pod, seen)
        return End(Reason.UNSCHEDULABLE, sentences.pending_timeout(str(key), run.pending_timeout, why))
    return None


def _waits_since(pod: SeenPod | None, training: Training) -> datetime | None:
    if pod is None:
        return None
    return pod.created_at if pod.active else pod.ended_at


def _lost_to(key: TaskKey, newest: SeenPod | None, seen: Seen) -> Reason | None:
    """What took the task's last try away; None when it was not the cluster."""
    ends = [pod.disruption for pod in seen.pods if pod.key == key and pod.disruption]
    if ends:
        return Reason.NODE_LOST if ends[-1] in LOST_WITH_NODE else Reason.EVICTED
    return Reason.NODE_LOST if newest is not None and newest.disruptions else None
