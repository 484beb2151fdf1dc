"""A training's tasks as its page shows them: by role, a page of each at a time, so that 1,000 are no more than 50."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.exit_codes import explain
from app.domain.project import RunSpec
from app.domain.record import TaskRecord
from app.domain.training import TaskState

ROWS = 50


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One line of the table; `exit_words` says what the exit code most likely means, where that is known."""

    role: str
    index: int
    state: TaskState
    message: str
    node: str | None
    attempts: int
    exit_code: int | None
    exit_words: str
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class TaskGroup:
    """A role: how its tasks are doing, and the rows of one page of them."""

    role: str
    total: int
    states: list[tuple[TaskState, int]]
    tasks: list[TaskRow]
    page: int
    pages: int


def groups_of(run: RunSpec, tasks: Sequence[TaskRecord], *, role: str = "", page: int = 1) -> list[TaskGroup]:
    """Groups in the usual order of roles. `page` is that of `role`; the others show their first.

    Tasks that failed come first, then the rest by index.
    """
    by_role: dict[str, list[TaskRecord]] = {name: [] for name in run.role_names}
    for task in tasks:
        by_role.setdefault(task.key.role, []).append(task)
    return [_group(name, found, page if name == role else 1) for name, found in by_role.items() if found]


def _group(role: str, tasks: list[TaskRecord], page: int) -> TaskGroup:
    pages = -(-len(tasks) // ROWS)
    page = min(max(page, 1), pages)
    ordered = sorted(tasks, key=lambda task: (task.state is not TaskState.FAILED, task.key.index))
    counts = Counter(task.state for task in tasks)
    return TaskGroup(
        role=role,
        total=len(tasks),
        states=[(state, counts[state]) for state in TaskState if counts[state]],
        tasks=list(_rows(ordered[(page - 1) * ROWS : page * ROWS])),
        page=page,
        pages=pages,
    )


def _rows(tasks: Iterable[TaskRecord]) -> Iterable[TaskRow]:
    for task in tasks:
        yield TaskRow(
            role=task.key.role,
            index=task.key.index,
            state=task.state,
            message=task.message,
            node=task.node,
            attempts=task.tries,
            exit_code=task.exit_code,
            exit_words=explain(task.exit_code) if task.exit_code is not None else "",
            started_at=task.started_at,
            finished_at=task.finished_at,
        )
