"""Pods whose node does not answer any more."""

from __future__ import annotations

from app.domain.actions import Action, FailPod, ForceDeletePod
from app.domain.causes import NODE_LOST
from app.domain.decision import Horizon, Policy
from app.domain.seen import Seen, SeenPod


def lost_pods(namespace: str, seen: Seen, policy: Policy, horizon: Horizon) -> tuple[Action, ...]:
    """Declare them failed and remove them, so that their Jobs replace them elsewhere.

    This does not prove that the process is dead: its node may come back and end it only then.
    """
    actions: list[Action] = []
    for pod in seen.pods:
        since = seen.not_ready.get(pod.node or "")
        if since is None or pod.gone or not horizon.passed(since + policy.node_lost_after):
            continue
        if pod.active:
            actions += give_up(namespace, pod, f"Node {pod.node} does not answer since {since:%H:%M:%S} UTC")
        elif pod.disruption == NODE_LOST:
            actions.append(ForceDeletePod(namespace, pod.name, pod.uid))
    return tuple(actions)


def give_up(namespace: str, pod: SeenPod, message: str) -> list[Action]:
    """Failed first: a pod that is only force-deleted keeps its finalizer and is never replaced."""
    return [
        FailPod(namespace, pod.name, pod.uid, message),
        ForceDeletePod(namespace, pod.name, pod.uid),
    ]
