"""The forms of servings: what they hold at first, and what is made of what they send."""

from __future__ import annotations

from uuid import UUID

from app.domain.endpoints.promotion import Better, Promotion, PromotionWish
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


NO_RULE = {"metric": "", "better": "", "least_gain": "", "bound": ""}


def rule_as_typed(rule: Promotion | None) -> dict[str, str]:
    """A rule as its form shows it."""
    if rule is None:
        return NO_RULE
    return {
        "metric": rule.metric,
        "better": rule.better.value,
        "least_gain": f"{rule.least_gain:g}" if rule.least_gain else "",
        "bound": f"{rule.bound:g}" if rule.bound is not None else "",
    }


def rule_of(sent: Sent) -> PromotionWish | None:
    """The rule that was typed; None when no metric is named."""
    if not sent.text("metric"):
        return None
    better = {"lower": Better.LOWER, "higher": Better.HIGHER}.get(sent.text("better"))
    return PromotionWish(sent.text("metric"), better, _number(sent, "least_gain") or 0.0, _number(sent, "bound"))


def _number(sent: Sent, name: str) -> float | None:
    text = sent.text(name)
    try:
        return float(text) if text else None
    except ValueError:
        sent.wrong(f"/promotion/{name}", f"{text!r} is not a number; write it like 0.01.")
        return None
