"""What run.sh is given: the arguments of a project with their places filled."""

from __future__ import annotations

from app.domain.template import fill
from app.domain.training import TrainingSpec


def arguments(spec: TrainingSpec, number: int) -> list[str]:
    """Of the training of that number. Raises BadTemplate for a parameter that was never given."""
    due, params, timezone = spec.scheduled_for, spec.params, spec.timezone
    return [fill(text, number=number, scheduled_for=due, params=params, timezone=timezone) for text in spec.run.args]
