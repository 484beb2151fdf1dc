"""Which logs a reader means, now and when new tries have come."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.log import LogInfo, LogOverview
from app.domain.training import TaskKey
from app.errors import Gone


@dataclass(frozen=True, slots=True)
class Which:
    """What to read: all tasks, one (`key`), or one of its tries (`attempt`, counted from 1; None: the newest)."""

    key: TaskKey | None = None
    attempt: int | None = None

    @property
    def merged(self) -> bool:
        return self.key is None


class LogRemoved(Gone):
    """Retention has removed the log."""

    code = "log_removed"
    title = "The log was removed"

    def __init__(self) -> None:
        super().__init__("It was older than this installation keeps logs (TAAS_KEEP_LOGS). Its record is kept.")


def following(overview: LogOverview, which: Which, first: int) -> list[LogInfo]:
    """The logs that are meant by who began with try `first`: a task's later tries follow its newest."""
    if which.key is None:
        return list(overview.logs)
    wanted = [log for log in overview.logs if log.key == which.key]
    return [log for log in wanted if log.attempt == which.attempt or (which.attempt is None and log.attempt >= first)]


def may_grow(overview: LogOverview, logs: list[LogInfo], which: Which) -> bool:
    """Whether there may be more of these logs, or further ones that are meant."""
    if which.attempt is not None:
        return not all(log.archived for log in logs)
    return overview.growing
