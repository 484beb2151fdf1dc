"""Projects that start after others: what they are told of the training before them, and no going round in circles."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.domain.project import Project
from app.domain.template import PARAM_NAME, BadTemplate
from app.domain.topology import rfc3339
from app.domain.training import Training
from app.domain.validate import pointer
from app.errors import FieldError

MODEL_DIR = "model_dir"
PARAMS_MAX = 50
TEMPLATE_MAX = 4096
_KNOWN = (MODEL_DIR, "project", "number", "training", "scheduled_for")
_PLACE = re.compile(r"\{\{[ \t]*(?P<what>[^{}]*?)[ \t]*\}\}")


@dataclass(frozen=True, slots=True)
class Follow:
    """`project` starts whenever a training of `upstream` succeeds, with `params` filled from it."""

    id: UUID
    project_id: UUID
    project: str
    upstream_id: UUID
    upstream: str
    params: dict[str, str]
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class FollowStart:
    """What one success led to: a training, or the sentence why not; neither while it is under way."""

    upstream_id: UUID
    upstream_number: int
    created_at: datetime
    done_at: datetime | None
    training_id: UUID | None
    problem: str


def check(params: Mapping[str, str]) -> list[FieldError]:
    """What is wrong with the params of a follow; pointers such as `/params/model`."""
    if len(params) > PARAMS_MAX:
        return [FieldError("/params", f"There are {len(params)} params; at most {PARAMS_MAX} are possible.")]
    errors = []
    for name, text in params.items():
        at = pointer("params", name)
        if not PARAM_NAME.fullmatch(name):
            errors.append(FieldError(at, "Name a parameter with 1 to 63 letters, digits and '_', and no digit first."))
        elif len(text) > TEMPLATE_MAX:
            errors.append(FieldError(at, f"This has {len(text):,} characters; at most {TEMPLATE_MAX:,} are possible."))
        else:
            errors += [FieldError(at, _unknown(what)) for what in _places(text) if not _is_known(what)]
            if "{{" in _PLACE.sub("", text):
                errors.append(FieldError(at, "There is a {{ without its }}; write it like {{ model_dir }}."))
    return errors


def check_model(params: Mapping[str, str], upstream: Project) -> list[FieldError]:
    """The params that ask for a model directory though `upstream` has no storage to keep one on."""
    if upstream.spec.run.storage is not None:
        return []
    remedy = f"give it one, or leave {{{{ {MODEL_DIR} }}}} out"
    detail = f"{upstream.name} has no storage, so it keeps no model to read: {remedy}."
    return [FieldError(pointer("params", name), detail) for name, text in params.items() if _wants_model(text)]


def wants_model(params: Mapping[str, str]) -> bool:
    """Whether the model directory is asked for."""
    return any(_wants_model(text) for text in params.values())


def fill(params: Mapping[str, str], upstream: Training, model_dir: str | None) -> dict[str, str]:
    """The params of the training to start. Raises BadTemplate when the training before it lacks something."""
    due = upstream.spec.scheduled_for
    values = {
        MODEL_DIR: model_dir or "",
        "project": upstream.project,
        "number": str(upstream.number),
        "training": str(upstream.id),
        "scheduled_for": rfc3339(due) if due else "",
    }

    def value(match: re.Match[str]) -> str:
        what = match["what"]
        if what in values:
            return values[what]
        name = what.removeprefix("params.")
        if name not in upstream.spec.params:
            raise BadTemplate(f"{upstream.project} #{upstream.number} had no parameter {name}.")
        return upstream.spec.params[name]

    return {name: _PLACE.sub(value, text) for name, text in params.items()}


def circle(edges: Iterable[tuple[str, str]], upstream: str, project: str) -> list[str] | None:
    """The circle that `upstream` → `project` would close, such as [a, b, c, a]; None when it closes none.

    `edges` are the ones there are: (upstream, project).
    """
    after: dict[str, list[str]] = {}
    for source, target in edges:
        after.setdefault(source, []).append(target)
    reached: dict[str, str | None] = {project: None}
    waiting = deque([project])
    while waiting:
        here = waiting.popleft()
        if here == upstream:
            return [upstream, *reversed(_way(reached, here))]
        for there in after.get(here, []):
            if there not in reached:
                reached[there] = here
                waiting.append(there)
    return None


def _way(reached: Mapping[str, str | None], end: str) -> list[str]:
    """From the end back to where it began."""
    way = [end]
    while (before := reached[way[-1]]) is not None:
        way.append(before)
    return way


def _wants_model(text: str) -> bool:
    return MODEL_DIR in _places(text)


def _places(text: str) -> list[str]:
    return [match["what"] for match in _PLACE.finditer(text)]


def _is_known(what: str) -> bool:
    return what in _KNOWN or (what.startswith("params.") and PARAM_NAME.fullmatch(what[7:]) is not None)


def _unknown(what: str) -> str:
    known = ", ".join(f"{{{{ {name} }}}}" for name in _KNOWN)
    return f"{{{{ {what} }}}} is nothing that can be filled in; use {known} or {{{{ params.NAME }}}}."
