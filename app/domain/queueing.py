"""Where a training would stand in the queue if it were started now."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain import fit_words


@dataclass(frozen=True, slots=True)
class Standing:
    """Trainings that run (or are being started or stopped) and that wait: in all, and of the project.

    `before` counts those in the queue that no project's limit holds back.
    """

    running: int
    project_running: int
    project_waiting: int
    before: int


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """`position` in the queue, 0 when it need not wait there; `message` says which limit holds it back."""

    position: int = 0
    message: str = ""


def place_of(standing: Standing, *, limit: int, project_limit: int | None) -> QueuePlace:
    """First come, first served: whoever waits is before it."""
    in_project = standing.project_running + standing.project_waiting
    if project_limit is not None and in_project >= project_limit:
        position = in_project - project_limit + 1
        running = min(in_project, project_limit)
        return QueuePlace(position, fit_words.queued(running, project_limit, position, of_project=True))
    in_all = standing.running + standing.before
    if in_all >= limit:
        position = in_all - limit + 1
        return QueuePlace(position, fit_words.queued(min(in_all, limit), limit, position, of_project=False))
    return QueuePlace()
