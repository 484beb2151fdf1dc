"""From the decision that a training is over until nothing of it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from app.domain import sentences
from app.domain.actions import Action, SuspendJob
from app.domain.collect import collect, deletions
from app.domain.decision import Decision, End, Horizon, Policy, Status
from app.domain.endings import deciding_tasks
from app.domain.nodes import give_up
from app.domain.project import RunSpec
from app.domain.seen import Seen, SeenNamespace, SeenPod
from app.domain.tasks import TaskStatus, all_tasks, out_of_tries, succeeded, task_statuses
from app.domain.training import NamespaceState, Reason, State, TaskKey, TaskState, Training

EVALUATOR = "evaluator"


def begin_stopping(training: Training, end: End, seen: Seen, policy: Policy, horizon: Horizon) -> Decision:
    """Fix the reason, for good, and go on to stop what runs."""
    message = end.message or _completed(training, _statuses(training, end.reason, seen))
    over = replace(
        training,
        state=State.STOPPING,
        reason=end.reason,
        message=message,
        started_at=training.started_at or _ran_from(end, seen),
        stopping_at=horizon.now,
    )
    return go_on_stopping(over, seen, policy, horizon)


def _ran_from(end: End, seen: Seen) -> datetime | None:
    """Short tasks may all be done before they were ever seen running together."""
    if end.reason is not Reason.COMPLETED:
        return None
    return max((pod.started_at for pod in seen.pods if pod.started_at is not None), default=None)


def go_on_stopping(training: Training, seen: Seen, policy: Policy, horizon: Horizon) -> Decision:
    """Suspend its Jobs, or delete the namespace of a half-made launch, until nothing runs; then it has ended."""
    status = Status.of(training)
    namespace = _own(training, seen)
    if namespace is None:
        return _ended(training, status, seen, policy, horizon)
    status = replace(status, namespace_uid=namespace.uid)
    if status.namespace_state is NamespaceState.NONE:
        status = replace(status, namespace_state=NamespaceState.PRESENT)
    if any(role not in seen.jobs for role in training.spec.run.roles):
        return _delete_half(training, status, namespace, seen, policy, horizon)
    suspends = _suspends(training, seen, policy, horizon)
    actions = (*suspends, *_overdue(training, seen, policy, horizon))
    waits_for_evaluator = _evaluator_may_go_on(training, seen, policy, horizon)
    tasks = _statuses(training, training.reason, seen)
    if training.reason is Reason.COMPLETED:
        # An evaluator may complete after the others: the sentence goes with the counts until the end.
        grace = policy.evaluator_grace if waits_for_evaluator else None
        status = replace(status, message=_completed(training, tasks, grace))
    if not suspends and not waits_for_evaluator and _quiet(seen):
        return _ended(training, status, seen, policy, horizon)
    horizon.look_in(policy.stuck_look)
    return Decision(status, horizon.next, actions, tasks)


def _own(training: Training, seen: Seen) -> SeenNamespace | None:
    namespace = seen.namespace
    if namespace is None or not namespace.ours:
        return None
    if training.namespace_uid is not None and namespace.uid != training.namespace_uid:
        return None
    return namespace


def _suspends(training: Training, seen: Seen, policy: Policy, horizon: Horizon) -> tuple[Action, ...]:
    spared = EVALUATOR if _evaluator_may_go_on(training, seen, policy, horizon) else None
    return tuple(
        SuspendJob(training.namespace or "", job.name, job.uid)
        for role, job in sorted(seen.jobs.items())
        if role != spared and not job.suspended and not job.finished
    )


def _evaluator_may_go_on(training: Training, seen: Seen, policy: Policy, horizon: Horizon) -> bool:
    """A bounded time after success for the evaluator to look at the last checkpoint."""
    job = seen.jobs.get(EVALUATOR)
    if training.reason is not Reason.COMPLETED or job is None or job.suspended or training.stopping_at is None:
        return False
    newest = seen.latest()
    keys = [key for key in all_tasks(training.spec.run) if key.role == EVALUATOR]
    if all(_has_ended(key, newest.get(key), training.spec.run, seen) for key in keys):
        return False
    if training.stop_requested_at is not None:
        return False
    return not horizon.passed(training.stopping_at + policy.evaluator_grace)


def _has_ended(key: TaskKey, pod: SeenPod | None, run: RunSpec, seen: Seen) -> bool:
    return succeeded(key, pod, seen) or out_of_tries(key, pod, run, seen)


def _overdue(training: Training, seen: Seen, policy: Policy, horizon: Horizon) -> tuple[Action, ...]:
    """Pods that are still there well after their grace period: their node does not do what it is told.

    A node that answers is given longer: to give up its pods one by one would cost it requests for each of them.
    """
    actions: list[Action] = []
    for pod in seen.pods:
        silent_since = seen.not_ready.get(pod.node or "")
        lost = silent_since is not None and horizon.passed(silent_since + policy.node_lost_after)
        patience = policy.force_after if lost else policy.force_after_busy
        if pod.active and pod.deleting_at is not None and horizon.passed(pod.deleting_at + patience):
            actions += give_up(training.namespace or "", pod, "It did not end within its grace period")
    return tuple(actions)


def _quiet(seen: Seen) -> bool:
    return all(job.quiet for job in seen.jobs.values()) and not any(pod.active for pod in seen.pods)


def _delete_half(
    training: Training, status: Status, namespace: SeenNamespace, seen: Seen, policy: Policy, horizon: Horizon
) -> Decision:
    """Without all Jobs there are no tombstones for a late create, but a namespace being deleted refuses every one."""
    status = replace(status, namespace_state=NamespaceState.DELETING)
    if namespace.deleting and not any(pod.active for pod in seen.pods):
        return _ended(training, status, seen, policy, horizon)
    horizon.look_in(policy.stuck_look)
    actions: tuple[Action, ...] = _overdue(training, seen, policy, horizon)
    if not namespace.deleting:
        status = replace(status, namespace_message=sentences.half_launched())
        actions = deletions(training, namespace)
    return Decision(status, horizon.next, actions, _statuses(training, training.reason, seen))


def _ended(training: Training, status: Status, seen: Seen, policy: Policy, horizon: Horizon) -> Decision:
    reason = training.reason or Reason.INTERNAL_ERROR
    status = replace(status, state=reason.state, finished_at=horizon.now)
    decision = collect(training, status, seen, policy, horizon)
    return replace(decision, tasks=_statuses(training, training.reason, seen))


def _statuses(training: Training, reason: Reason | None, seen: Seen) -> tuple[TaskStatus, ...]:
    """What the counts are made from. Tasks whose success was the training's stay successes, however they were removed:
    one that somebody told to go, before anything was over, may have answered by completing.
    """
    run = training.spec.run
    deciding = set(deciding_tasks(run)) if reason is Reason.COMPLETED else set()
    return tuple(
        replace(task, state=TaskState.SUCCEEDED) if task.key in deciding and task.state is TaskState.REMOVED else task
        for task in task_statuses(run, seen, over=True)
    )


def _completed(training: Training, tasks: Sequence[TaskStatus], grace: timedelta | None = None) -> str:
    states = Counter(task.state for task in tasks)
    total = training.spec.run.total_tasks
    failed = states[TaskState.FAILED]
    return sentences.completed(states[TaskState.SUCCEEDED], total, failed=failed, grace=grace)
