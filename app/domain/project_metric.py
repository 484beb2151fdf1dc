"""The metric by which a project's trainings are judged, and what better means for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from app.errors import FieldError

TAG_MAX = 500


class Better(StrEnum):
    """Which of two values is the better one."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class ProjectMetric:
    """A tag of the summaries, which direction is better, and of which run; None: of whichever run has it."""

    tag: str
    better: Better = Better.HIGHER
    run: str | None = None

    def covers(self, tag: str, run: str | None) -> bool:
        """Whether the declaration is about this tag in this run; without a run, in any."""
        return tag == self.tag and (self.run is None or run is None or run == self.run)


def check_metric(metric: ProjectMetric) -> Iterator[FieldError]:
    """What is wrong with a declaration."""
    if not 1 <= len(metric.tag.strip()) <= TAG_MAX:
        yield FieldError("/metric/tag", f"Name a tag, such as epoch_accuracy, of 1 to {TAG_MAX} characters.")
    if metric.run is not None and not 1 <= len(metric.run) <= TAG_MAX:
        yield FieldError("/metric/run", "Name a run, which is a directory below TAAS_LOG_DIR, or leave it out.")
