"""The forms of servings: what they hold at first, and what is made of what they send."""

from __future__ import annotations

from uuid import UUID

from app.domain.endpoints.serving import Autoscaling
from app.domain.project import Resources
from app.services.servings import ModelChoice, Wanted
from app.ui.fields import Sent

BLANK = {
    "name": "",
    "project": "",
    "training": "",
    "path": "",
    "replicas": "2",
    "cpu": "500m",
    "memory": "1Gi",
    "gpu": "0",
    "image": "",
    "args": "",
    "least": "",
    "most": "",
    "cpu_percent": "",
    "percent": "",
}


def typed(sent: Sent) -> dict[str, str]:
    """What somebody typed, for the form that comes back to them."""
    return {name: sent.raw(name) or default for name, default in BLANK.items()}


def choice_of(sent: Sent) -> ModelChoice:
    """The model that was chosen; an id that is none is an error of the form."""
    text = sent.text("training")
    training = None
    if text:
        try:
            training = UUID(text)
        except ValueError:
            sent.wrong("/training", "Choose one of the trainings.")
    return ModelChoice(training, sent.text("path"))


def wanted_of(sent: Sent) -> Wanted:
    """How it is to run; empty fields mean the usual."""
    least = sent.integer("least", "/autoscaling/least")
    most = sent.integer("most", "/autoscaling/most")
    percent = sent.integer("cpu_percent", "/autoscaling/cpu_percent", 70)
    scaling = None
    if least is not None or most is not None:
        scaling = Autoscaling(least or 1, most or 0, percent or 0)
    return Wanted(
        image=sent.text("image") or None,
        replicas=sent.integer("replicas", "/replicas", 2),
        resources=Resources(
            cpu=sent.text("cpu") or BLANK["cpu"],
            memory=sent.text("memory") or BLANK["memory"],
            gpu=sent.integer("gpu", "/resources/gpu", 0) or 0,
        ),
        args=tuple(line.strip() for line in sent.text("args").splitlines() if line.strip()),
        autoscaling=scaling,
        no_autoscaling=scaling is None,
    )
