"""What this worker has already written of each training, so that a look costs what has changed and not what there is.

Only after a commit is anything remembered; another worker's writes in between do no harm, because writing the same
again changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.db.reconcile import Outcome
from app.domain.seen import SeenPod, SeenWarning
from app.domain.tasks import TaskStatus
from app.domain.training import TaskKey

LONGEST_WAIT = 30.0


class TrainingMemory:
    """What has been written of one training, and how often acting failed in a row."""

    def __init__(self) -> None:
        self.looked = False
        self._tasks: dict[TaskKey, TaskStatus] = {}
        self._pods: dict[str, SeenPod] = {}
        self._warnings: dict[str, SeenWarning] = {}
        self._failures = 0

    def new_tasks(self, tasks: Sequence[TaskStatus]) -> list[TaskStatus]:
        return [task for task in tasks if self._tasks.get(task.key) != task]

    def new_pods(self, pods: Sequence[SeenPod]) -> list[SeenPod]:
        return [pod for pod in pods if self._pods.get(pod.uid) != pod]

    def new_warnings(self, warnings: Sequence[SeenWarning]) -> list[SeenWarning]:
        return [warning for warning in warnings if self._warnings.get(warning.uid) != warning]

    def wrote(self, outcome: Outcome, *, looked: bool) -> None:
        self.looked = self.looked or looked
        self._tasks |= {task.key: task for task in outcome.tasks}
        self._pods |= {pod.uid: pod for pod in outcome.pods}
        self._warnings |= {warning.uid: warning for warning in outcome.warnings}

    def failed(self) -> float:
        """Seconds to wait before the next try."""
        self._failures += 1
        return min(LONGEST_WAIT, 0.5 * 2.0**self._failures)

    def worked(self) -> None:
        self._failures = 0


class Memory:
    """One for each training that this worker has met and that has not gone for good."""

    def __init__(self) -> None:
        self._of: dict[UUID, TrainingMemory] = {}

    def of(self, training_id: UUID) -> TrainingMemory:
        return self._of.setdefault(training_id, TrainingMemory())

    def forget(self, training_id: UUID) -> None:
        self._of.pop(training_id, None)
