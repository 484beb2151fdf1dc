"""The link of a training to its dashboard."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from app.domain.training import Training

_AROUND = timedelta(minutes=2)
"""What is shown before its start and after its end."""


def dashboard(template: str | None, training: Training) -> str | None:
    """`template` with the training's namespace and time filled in (Grafana wants milliseconds, or `now`).

    None without a template, and for a training that never had a namespace. Other braces stay as they are.
    """
    if template is None or training.namespace is None:
        return None
    begun = (training.starting_at or training.created_at) - _AROUND
    places = {
        "namespace": training.namespace,
        "project": training.project,
        "number": str(training.number),
        "from": str(int(begun.timestamp() * 1000)),
        "to": str(int((training.finished_at + _AROUND).timestamp() * 1000)) if training.finished_at else "now",
    }
    link = template
    for name, value in places.items():
        link = link.replace(f"{{{name}}}", quote(value, safe=""))
    return link
