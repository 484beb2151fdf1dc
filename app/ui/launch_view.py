"""What the launch form tells while it is filled in: room, queue, the same as curl, and what a task would be told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.curl import curl
from app.domain.fit import Verdict
from app.domain.project import Project
from app.domain.training import TaskKey
from app.errors import InvalidInput, NotFound
from app.services.freeze import LaunchRequest
from app.services.launch_body import body_of, changed
from app.services.outlook import Outlook
from app.ui.page import Page
from app.ui.words import Look

_LOOKS = {
    Verdict.NOW: Look("Fits now", icon="circle-check", tone="good"),
    Verdict.WAITS: Look("Waits for room", icon="hourglass", tone="warn"),
    Verdict.NEVER: Look("Can never fit", icon="circle-x", tone="bad"),
    Verdict.UNKNOWN: Look("Not known", icon="help-circle", tone="calm"),
}
_QUEUED = Look("Waits in the queue", icon="clock", tone="warn")
_INCOMPLETE = Look("Not complete yet", icon="pencil", tone="calm")


@dataclass(frozen=True, slots=True)
class OutlookView:
    """A word with its look, the sentences below it, and what is still wrong with the form."""

    look: Look
    sentences: tuple[str, ...]
    tasks: int = 0
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What one task would be told, in lines; `problem` says why that is not known."""

    task: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


async def outlook_of(page: Page, project: Project, request: LaunchRequest | InvalidInput | None) -> OutlookView | None:
    """None where there is nothing to tell; what is wrong with the form is told instead of an answer."""
    if request is None:
        return None
    if isinstance(request, InvalidInput):
        return _incomplete(request)
    try:
        return _view(await page.context.outlooks.of(page.viewer, project.name, request))
    except InvalidInput as exc:
        return _incomplete(exc)


def command(page: Page, project: Project, request: LaunchRequest) -> str:
    """The same launch for a shell."""
    url = f"{page.base_url}/api/v1/projects/{project.name}/trainings"
    return curl("POST", url, body_of(changed(request, project)))


async def told_of(page: Page, project: Project, request: LaunchRequest | InvalidInput, task: str) -> Told:
    """What the task of that name would be told."""
    if isinstance(request, InvalidInput):
        return Told(task, problem=request.detail)
    try:
        key = TaskKey.parse(task)
        env = await page.context.outlooks.environment(page.viewer, project.name, request, key)
    except (ValueError, InvalidInput, NotFound) as exc:
        return Told(task, problem=str(getattr(exc, "detail", exc)))
    return Told(task, {name: _readable(value) for name, value in env.items()})


def _view(outlook: Outlook) -> OutlookView:
    fit, queue = outlook.fit, outlook.queue
    if queue.position and fit.verdict is not Verdict.NEVER:
        return OutlookView(_QUEUED, (queue.message, fit.message), outlook.tasks)
    return OutlookView(_LOOKS[fit.verdict], (fit.message,), outlook.tasks)


def _incomplete(exc: InvalidInput) -> OutlookView:
    wrong = tuple(error.detail for error in exc.errors) or (exc.detail,)
    return OutlookView(_INCOMPLETE, (), wrong=wrong[:5])


def _readable(value: str) -> str:
    """TF_CONFIG is JSON: in lines it can be read."""
    if not value.startswith("{"):
        return value
    try:
        return json.dumps(json.loads(value), indent=2)
    except ValueError:
        return value
