"""Lines of logs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from app.api.schemas.base import Moment, Output
from app.domain.log import LogInfo
from app.domain.log_levels import Level, level_of
from app.domain.log_search import FoundLine, LogHit
from app.services.log_pages import LogLine


class LogLineOut(Output):
    """What is not UTF-8 in a line is shown as U+FFFD."""

    line: Annotated[int, Field(description="Counted from 1, as the viewer does.")]
    at: Moment
    text: str

    @classmethod
    def of(cls, line: FoundLine | LogLine) -> LogLineOut:
        at = datetime.fromtimestamp(line.at_ms / 1000, UTC)
        return cls(line=line.number + 1, at=at, text=line.data.decode("utf-8", "replace"))


class LogHitOut(LogLineOut):
    """A line that was found."""

    task: Annotated[str, Field(examples=["worker-0"])]
    attempt: int
    level: Annotated[Level | None, Field(description="Null when the line does not say.")]
    before: tuple[LogLineOut, ...]
    after: tuple[LogLineOut, ...]

    @classmethod
    def of_hit(cls, hit: LogHit) -> LogHitOut:
        return cls(
            **LogLineOut.of(hit.line).model_dump(),
            task=str(hit.log.key),
            attempt=hit.log.attempt,
            level=level_of(hit.line.data),
            before=tuple(map(LogLineOut.of, hit.before)),
            after=tuple(map(LogLineOut.of, hit.after)),
        )


class LogLinesOut(Output):
    """Lines that follow one another in the log of one try."""

    task: str
    attempt: int
    items: tuple[LogLineOut, ...]
    next_line: Annotated[int | None, Field(description="Go on from here; null when there is no more (yet).")]

    @classmethod
    def of_page(cls, log: LogInfo, lines: tuple[LogLine, ...], next_line: int | None) -> LogLinesOut:
        return cls(
            task=str(log.key),
            attempt=log.attempt,
            items=tuple(map(LogLineOut.of, lines)),
            next_line=None if next_line is None else next_line + 1,
        )
