"""How the installation as a whole is doing, for whoever watches over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts, and ages in seconds (0: nothing waits). `trainings` by state, only those that have not ended."""

    trainings: Mapping[str, int]
    queue_oldest: float
    schedules_overdue: float
    logs_pending: int
    logs_lag: float
    metrics_overdue: float
    workers: int
