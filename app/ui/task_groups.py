"""A training's tasks as its page shows them: by role, a page of each at a time, so that 1,000 are no more than 50."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from app.domain.exit_codes import explain
from app.domain.record import AttemptRecord, TaskRecord
from app.domain.task_steps import TaskStep, steps_of
from app.domain.training import TaskKey, TaskState, Training
from app.domain.usage import MeasuredTask, UsageHint
from app.ui.task_bars import Axis, Bar, bars_of

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
    tries: tuple[tuple[AttemptRecord, tuple[TaskStep, ...]], ...]
    bars: list[Bar]
    silent_since: datetime | None
    usage: MeasuredTask | None

    def words_of(self, exit_code: int) -> str:
        """What the exit code of one of its tries most likely means; empty where it says nothing in particular."""
        return explain(exit_code)


@dataclass(frozen=True, slots=True)
class TaskGroup:
    """A role: how its tasks are doing, and the rows of one page of them. `hints` counts tasks by what is suggested."""

    role: str
    total: int
    states: list[tuple[TaskState, int]]
    tasks: list[TaskRow]
    page: int
    pages: int
    silent: int
    hints: Mapping[UsageHint, int]


@dataclass(frozen=True, slots=True)
class TaskPage:
    """All tasks of a role, and those of them that are shown: page `page` of `pages`."""

    role: str
    tasks: Sequence[TaskRecord]
    shown: Sequence[TaskRecord]
    page: int
    pages: int


def pages_of(
    training: Training,
    tasks: Sequence[TaskRecord],
    *,
    role: str = "",
    page: int = 1,
    silent: Mapping[TaskKey, datetime] = MappingProxyType({}),
) -> list[TaskPage]:
    """A page for each role, in the usual order of roles. `page` is that of `role`; the others show their first.

    Tasks that failed come first, then those that fell silent, then the rest by index.
    """
    by_role: dict[str, list[TaskRecord]] = {name: [] for name in training.spec.run.role_names}
    for task in tasks:
        by_role.setdefault(task.key.role, []).append(task)
    return [_page(name, found, page if name == role else 1, silent) for name, found in by_role.items() if found]


def groups_of(
    training: Training,
    pages: Iterable[TaskPage],
    tries: Mapping[TaskKey, Sequence[AttemptRecord]],
    *,
    axis: Axis | None = None,
    silent: Mapping[TaskKey, datetime] = MappingProxyType({}),
    usage: Mapping[TaskKey, MeasuredTask] = MappingProxyType({}),
) -> list[TaskGroup]:
    """The pages as they are shown; `tries` are those of the tasks on them."""
    return [
        TaskGroup(
            role=page.role,
            total=len(page.tasks),
            states=_states(page.tasks),
            tasks=list(_rows(training, page.shown, tries, axis, silent, usage)),
            page=page.page,
            pages=page.pages,
            silent=sum(task.key in silent for task in page.tasks),
            hints=Counter(hint for task in page.tasks if task.key in usage for hint in usage[task.key].hints),
        )
        for page in pages
    ]


def _page(role: str, tasks: list[TaskRecord], page: int, silent: Mapping[TaskKey, datetime]) -> TaskPage:
    pages = -(-len(tasks) // ROWS)
    page = min(max(page, 1), pages)
    ordered = sorted(
        tasks, key=lambda task: (task.state is not TaskState.FAILED, task.key not in silent, task.key.index)
    )
    return TaskPage(role, tasks, ordered[(page - 1) * ROWS : page * ROWS], page, pages)


def _states(tasks: Iterable[TaskRecord]) -> list[tuple[TaskState, int]]:
    counts = Counter(task.state for task in tasks)
    return [(state, counts[state]) for state in TaskState if counts[state]]


def _rows(
    training: Training,
    tasks: Iterable[TaskRecord],
    tries: Mapping[TaskKey, Sequence[AttemptRecord]],
    axis: Axis | None,
    silent: Mapping[TaskKey, datetime],
    usage: Mapping[TaskKey, MeasuredTask],
) -> Iterable[TaskRow]:
    for task in tasks:
        found = tries.get(task.key, ())
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
            tries=tuple((one, steps_of(training, one)) for one in found),
            bars=bars_of(found, axis),
            silent_since=silent.get(task.key),
            usage=usage.get(task.key),
        )
