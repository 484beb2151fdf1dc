"""What to do about a training, from its row and what is seen of it: pure and synchronous.

`decide` is level-triggered. It is asked again after every change and at its own `wake_at`; the answer depends only on
what it is given, so a lost hint costs time and a repeated one costs nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from app.domain import names, sentences
from app.domain.actions import Action, CreateChildren, CreateNamespace
from app.domain.collect import collect
from app.domain.decision import Decision, End, Horizon, Policy, Status
from app.domain.endings import find_end, stop_wish
from app.domain.nodes import lost_pods
from app.domain.seen import Seen, SeenPod
from app.domain.stopping import begin_stopping, go_on_stopping
from app.domain.tasks import all_tasks, succeeded, task_statuses
from app.domain.training import NamespaceState, State, TaskKey, Training
from app.domain.waiting import why_waiting


def decide(training: Training, seen: Seen, policy: Policy, now: datetime) -> Decision:
    """The next status of `training`, the actions that follow from it, and when to look again."""
    horizon = Horizon(now)
    if training.state is State.QUEUED:
        return _queued(training, seen, policy, horizon)
    if not seen.fresh:
        horizon.look_in(policy.unfresh_look)
        return Decision(Status.of(training), horizon.next)
    if training.state in (State.STARTING, State.RUNNING):
        return _live(training, seen, policy, horizon)
    if training.state is State.STOPPING:
        return go_on_stopping(training, seen, policy, horizon)
    return collect(training, Status.of(training), seen, policy, horizon)


def _queued(training: Training, seen: Seen, policy: Policy, horizon: Horizon) -> Decision:
    status = Status.of(training)
    end = stop_wish(training)
    if end is not None:
        return Decision(_never_started(status, end, horizon.now), None)
    if not seen.fresh:
        horizon.look_in(policy.unfresh_look)
        return Decision(replace(status, message=sentences.no_cluster()), horizon.next)
    started = replace(
        status,
        state=State.STARTING,
        message="",
        starting_at=horizon.now,
        namespace=names.namespace(training.project, training.number, training.id),
    )
    return Decision(started, horizon.now, needs_slot=True)


def _never_started(status: Status, end: End, now: datetime) -> Status:
    return replace(
        status, state=end.reason.state, reason=end.reason, message=end.message, finished_at=now, archived_at=now
    )


def _live(training: Training, seen: Seen, policy: Policy, horizon: Horizon) -> Decision:
    end = find_end(training, seen, policy, horizon)
    if end is not None:
        return begin_stopping(training, end, seen, policy, horizon)
    status = Status.of(training)
    horizon.look_in(policy.idle_look)
    tasks = task_statuses(training.spec.run, seen, over=False)
    if training.namespace_uid is None and seen.namespace is not None and seen.namespace.ours:
        # Its UID is written down before anything is made inside.
        made = replace(status, namespace_uid=seen.namespace.uid, namespace_state=NamespaceState.PRESENT)
        return Decision(made, horizon.now, (), tasks)
    launch = _launch(training, seen)
    if launch is not None:
        return Decision(status, horizon.next, (launch,), tasks)
    status = _progress(training, status, seen, horizon)
    actions = lost_pods(status.namespace or "", seen, policy, horizon)
    if status.started_at != training.started_at:
        # Its time limit counts from then: whoever looks next, at once, knows when that is.
        return Decision(status, horizon.now, actions, tasks)
    return Decision(status, horizon.next, actions, tasks)


def _launch(training: Training, seen: Seen) -> Action | None:
    """What of the launch is still to be done; names are fixed, so doing it again does no harm."""
    if training.namespace is None or training.started_at is not None:
        return None
    if training.namespace_uid is None:
        return CreateNamespace(training.namespace)
    if any(role not in seen.jobs for role in training.spec.run.roles):
        return CreateChildren(training.namespace, training.namespace_uid)
    return None


def _progress(training: Training, status: Status, seen: Seen, horizon: Horizon) -> Status:
    """Running as soon as every task runs or has already done its work; else which task is waited for, and why."""
    newest = seen.latest()
    waiting: list[TaskKey] = []
    starts: list[datetime] = []
    for key in all_tasks(training.spec.run):
        pod = newest.get(key)
        if pod is not None and pod.running:
            starts.append(pod.started_at or horizon.now)
        elif not succeeded(key, pod, seen):
            waiting.append(key)
    if waiting:
        first = max(waiting, key=lambda key: _telling(newest.get(key)))  # the first of the most telling
        message = sentences.waiting_for(str(first), why_waiting(first, newest.get(first), seen), len(waiting) - 1)
        return replace(status, message=message)
    if status.started_at is None:
        status = replace(status, started_at=max(starts, default=horizon.now))
    return replace(status, state=State.RUNNING, message="")


def _telling(pod: SeenPod | None) -> int:
    """How much a task's waiting explains: the scheduler's or the kubelet's words before plain waiting."""
    if pod is None:
        return 1
    return 2 if pod.scheduling or pod.waiting_message else 0
