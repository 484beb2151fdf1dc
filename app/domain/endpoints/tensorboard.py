"""What a TensorBoard shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from app.domain.training import StorageMount


@dataclass(frozen=True, slots=True)
class LogSource:
    """Where summaries lie: the logs of one training of the project, or of all of them (`number` None)."""

    storage: StorageMount
    number: int | None = None


@dataclass(frozen=True, slots=True)
class TensorBoardSpec:
    """Everything a TensorBoard runs with. `trainings` None: all of its project, those to come too."""

    image: str
    sources: tuple[LogSource, ...]
    trainings: tuple[UUID, ...] | None = None
    idle_timeout: timedelta = timedelta(minutes=30)
    cpu: str = "100m"
    memory: str = "1Gi"
