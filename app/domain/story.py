"""What a training's own events say: one for each step of its life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domain.decision import Status
from app.domain.seen import SeenPod
from app.domain.training import NamespaceState, State, Training


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of the record. `key` makes it the same event when it is told again."""

    key: str
    source: str  # taas | kubernetes
    severity: str  # normal | warning
    reason: str
    object: str
    message: str
    first_at: datetime
    last_at: datetime
    count: int = 1


def steps(before: Training, after: Status, now: datetime) -> list[Happening]:
    """What is worth telling of the change from `before` to `after`."""
    told: list[Happening] = []
    if after.state is not before.state:
        told.append(_step(f"state:{after.state}", after.state.title().replace("_", ""), _of_state(after), now, after))
    if after.namespace_state is not before.namespace_state:
        sentence = _of_namespace(after)
        if sentence:
            word = f"Namespace{after.namespace_state.title()}"
            told.append(_step(f"namespace:{after.namespace_state}", word, sentence, now, None))
    return told


def memory_warning(pod: SeenPod) -> Happening | None:
    """A child that was killed for memory although its task ended well."""
    if pod.reason != "OOMKilled" or pod.exit_code != 0:
        return None
    message = f"A process of {pod.key} was killed for memory, but the task ended with exit code 0."
    at = pod.ended_at
    return Happening(f"memory:{pod.uid}", "taas", "warning", "OutOfMemory", f"Pod/{pod.name}", message, at, at)


def _step(key: str, reason: str, message: str, now: datetime, status: Status | None) -> Happening:
    bad = status is not None and status.state in (State.FAILED, State.TIMED_OUT)
    return Happening(key, "taas", "warning" if bad else "normal", reason, "", message, now, now)


def _of_state(status: Status) -> str:
    sentences = {
        State.STARTING: f"It left the queue; its namespace is {status.namespace}.",
        State.RUNNING: "Every task runs.",
        State.STOPPING: f"Its tasks are being ended. {status.message}",
    }
    return sentences.get(status.state, status.message)


def _of_namespace(status: Status) -> str:
    sentences = {
        NamespaceState.PRESENT: f"The namespace {status.namespace} was made.",
        NamespaceState.DELETING: f"The namespace {status.namespace} is being deleted.",
        NamespaceState.GONE: f"The namespace {status.namespace} is gone.",
    }
    return sentences.get(status.namespace_state, "")
