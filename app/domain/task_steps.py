"""What a try of a task went through before it ran, step by step, each with how long it took.

The times are those of the pod's conditions and of its container (Kubernetes, "Pod Lifecycle"), in whole seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.record import AttemptRecord
from app.domain.training import Training


class Step(StrEnum):
    """What is waited for, or done, in that time."""

    QUEUED = "queued"
    NAMESPACE = "namespace"
    NODE = "node"
    SANDBOX = "sandbox"
    IMAGE = "image"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class TaskStep:
    """One step. `until` None: it lasts still, or nobody saw its end."""

    step: Step
    since: datetime
    until: datetime | None


def steps_of(training: Training, one: AttemptRecord) -> tuple[TaskStep, ...]:
    """The steps of one try, as far as it came. Only a first try waited for the queue and for the namespace.

    A step whose end was not seen takes in the next one: a pod that is over within a second tells no more than that.
    """
    return tuple(_steps(list(_begins(training, one)), one.finished_at))


def _begins(training: Training, one: AttemptRecord) -> Iterator[tuple[Step, datetime]]:
    """Each step that was reached, with when it began."""
    if one.number == 1:
        yield Step.QUEUED, training.created_at
        if training.starting_at is not None:
            yield Step.NAMESPACE, training.starting_at
    yield Step.NODE, one.created_at
    if one.scheduled_at is not None:
        yield Step.SANDBOX, one.scheduled_at
    if one.sandbox_at is not None:
        yield Step.IMAGE, one.sandbox_at
    if one.started_at is not None:
        yield Step.RUNNING, one.started_at


def _steps(begins: list[tuple[Step, datetime]], end: datetime | None) -> Iterator[TaskStep]:
    ends = [moment for _, moment in begins[1:]] + [end]
    for (step, since), until in zip(begins, ends, strict=True):
        # Clocks of nodes differ, and a condition is cut to whole seconds: no step ends before it began.
        yield TaskStep(step, since, max(until, since) if until is not None else None)
