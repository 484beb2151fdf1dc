"""What the buttons of a page do, as commands for a shell: ready to paste beside the buttons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.domain.access import Action, can
from app.domain.curl import curl, upload
from app.domain.endpoints.endpoint import Endpoint
from app.domain.record import TrainingRecord
from app.ui.page import Page


@dataclass(frozen=True, slots=True)
class Command:
    """`words` say which button it is; empty where there is only one."""

    words: str
    text: str


def of_training(page: Page, record: TrainingRecord) -> list[Command]:
    """What the viewer may do with a training: what it is, its log, and its buttons before and after its end."""
    training = record.training
    here = f"trainings/{training.id}"
    found: list[_Call] = [
        ("Look at it", "GET", here, None),
        ("Follow its log", "GET", f"{here}/logs?follow=true", None),
    ]
    if can(page.viewer, Action.CHANGE, owner_id=record.owner_id):
        found += [
            ("Stop it", "POST", f"{here}/stop", None),
            ("Run it again, once it has ended", "POST", f"{here}/retry", None),
        ]
    if training.spec.storage and can(page.viewer, Action.CREATE):
        found.append(("Open a TensorBoard of it", "POST", "tensorboards", {"trainings": [str(training.id)]}))
    return _commands(page, found)


def of_serving(page: Page, endpoint: Endpoint) -> list[Command]:
    """What is done with a serving that runs, or the way to start it again."""
    here, spec = f"servings/{endpoint.id}", endpoint.serving
    if endpoint.state.ended:
        return _commands(page, [("Start again", "POST", f"{here}/start", None)])
    other = next((one.number for one in reversed(spec.versions) if one.number != spec.live), None)
    found: list[_Call] = []
    if other is not None:
        found += [
            ("Give a version a share of the requests", "PUT", f"{here}/canary", {"version": other, "percent": 10}),
            ("Make a version live", "POST", f"{here}/live", {"version": other}),
        ]
    if spec.canary:
        found.append(("End the canary", "DELETE", f"{here}/canary", None))
    elif spec.previous:
        found.append((f"Roll back to {spec.previous}", "POST", f"{here}/rollback", None))
    found += [
        ("Change the number of replicas", "PATCH", here, {"replicas": spec.replicas}),
        ("Stop", "DELETE", here, None),
    ]
    return _commands(page, found)


def of_schedule(page: Page, project: str) -> list[Command]:
    """Pausing a timed project, and letting it go on."""
    here = f"projects/{project}/schedule"
    found: list[_Call] = [
        ("Pause its schedule", "POST", f"{here}/pause", None),
        ("Resume it, and leave out what was due", "POST", f"{here}/resume", {"catch_up": "skip"}),
    ]
    return _commands(page, found)


def of_backfill(page: Page, project: str, now: datetime) -> list[Command]:
    """The last seven days once more, for a start."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    body = {"from": _day(today - timedelta(days=7)), "to": _day(today), "concurrency": 2}
    return _commands(page, [("", "POST", f"projects/{project}/backfills", body)])


def of_replay(page: Page, hook_id: UUID, delivery_id: UUID) -> list[Command]:
    """One payload delivered once more."""
    return _commands(page, [("", "POST", f"hooks/{hook_id}/deliveries/{delivery_id}/replay", None)])


def of_upload(page: Page, algorithm: str | None) -> list[Command]:
    """A folder as a version of the algorithm, or as a new one (None)."""
    if algorithm is None:
        return [Command("", upload(_url(page, "algorithms"), {"name": "NAME"}))]
    return [Command("", upload(_url(page, f"algorithms/{algorithm}/versions")))]


_Call = tuple[str, str, str, Mapping[str, Any] | None]


def _commands(page: Page, calls: list[_Call]) -> list[Command]:
    return [Command(words, curl(method, _url(page, path), body)) for words, method, path, body in calls]


def _url(page: Page, path: str) -> str:
    return f"{page.base_url}/api/v1/{path}"


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
