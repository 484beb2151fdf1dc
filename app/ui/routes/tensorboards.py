"""TensorBoards: one click from a training or a project, a page that says how it is doing, and the way in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from fastapi import APIRouter, Form, Path, Query
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.domain.access import Action, can
from app.domain.endpoints.endpoint import Endpoint, EndpointState, Kind
from app.domain.endpoints.hosts import address_of
from app.domain.paging import PageRequest
from app.domain.record import TrainingFilter
from app.errors import Conflict, InvalidInput, TaasError
from app.services.tensorboards import MOST
from app.ui.live import Frame, frames
from app.ui.page import Page, Shown, to
from app.ui.render import render

router = APIRouter()

Ids = Annotated[list[UUID] | None, Form()]
Text = Annotated[str, Form(max_length=200)]
ProjectName = Annotated[str, Query(max_length=200)]


@router.get("/tensorboards")
async def list_tensorboards(page: Shown, project: ProjectName = "") -> Response:
    return page.show("tensorboards", await _found(page, project) | {"paging": "cursor" in page.request.query_params})


@router.get("/live/tensorboards", response_class=EventSourceResponse)
async def tensorboards_live(page: Shown, project: ProjectName = "") -> AsyncIterator[ServerSentEvent]:
    async def look() -> Frame:
        return Frame({"tensorboard-list": render("parts/tensorboard_list.html", await _found(page, project))})

    async for message in frames(page, look, channel="endpoints"):
        yield message


@router.post("/tensorboards")
async def open_tensorboard(page: Shown, trainings: Ids = None, project: Text = "", only: Text = "") -> Response:
    # A form on which none was chosen does not mean all of them.
    chosen = trainings or [] if only == "chosen" else trainings
    try:
        endpoint, _ = await page.context.tensorboards.open(page.viewer, project=project or None, chosen=chosen)
    except (InvalidInput, Conflict) as exc:
        return await _refused(page, exc, project)
    return to(f"/tensorboards/{endpoint.id}?then=open")


@router.get("/projects/{name}/tensorboard")
async def choose_trainings(page: Shown, name: Annotated[str, Path(max_length=63)]) -> Response:
    return await _choose(page, name)


@router.get("/tensorboards/{tensorboard_id}")
async def tensorboard_page(page: Shown, tensorboard_id: UUID, then: str = "") -> Response:
    endpoint = await page.context.endpoints.get(page.viewer, Kind.TENSORBOARD, tensorboard_id)
    return page.show("tensorboard", _values(page, endpoint, opens=then == "open"))


@router.get("/live/tensorboards/{tensorboard_id}", response_class=EventSourceResponse)
async def tensorboard_live(page: Shown, tensorboard_id: UUID, then: str = "") -> AsyncIterator[ServerSentEvent]:
    await page.context.endpoints.get(page.viewer, Kind.TENSORBOARD, tensorboard_id)

    async def look() -> Frame:
        endpoint = await page.context.endpoints.get(page.viewer, Kind.TENSORBOARD, tensorboard_id)
        values = _values(page, endpoint, opens=then == "open")
        return Frame({"tensorboard": render("parts/tensorboard.html", values)})

    async for message in frames(page, look, channel="endpoints", only=str(tensorboard_id)):
        yield message


@router.get("/tensorboards/{tensorboard_id}/open")
async def enter_tensorboard(page: Shown, tensorboard_id: UUID) -> Response:
    """To its own host, with a ticket that lets this browser in once."""
    endpoint = await page.context.endpoints.get(page.viewer, Kind.TENSORBOARD, tensorboard_id)
    if endpoint.state is not EndpointState.RUNNING:
        return to(f"/tensorboards/{tensorboard_id}?then=open")
    settings = page.context.settings
    if problem := _no_host(settings.public_url, settings.apps_host):
        return page.show("tensorboard", _values(page, endpoint) | {"problem": problem}, 409)
    ticket = await page.context.passes.ticket(page.secret, endpoint.id)
    return to(f"{_address(page, endpoint)}/.taas/enter?ticket={quote(ticket)}")


@router.post("/tensorboards/{tensorboard_id}/stop")
async def stop_tensorboard(page: Shown, tensorboard_id: UUID) -> Response:
    await page.context.endpoints.stop(page.viewer, Kind.TENSORBOARD, tensorboard_id)
    return to(f"/tensorboards/{tensorboard_id}")


@router.post("/tensorboards/{tensorboard_id}/start")
async def start_tensorboard(page: Shown, tensorboard_id: UUID) -> Response:
    """The same choice again is the same TensorBoard."""
    endpoint = await page.context.endpoints.get(page.viewer, Kind.TENSORBOARD, tensorboard_id)
    chosen = endpoint.tensorboard.trainings
    try:
        made, _ = await page.context.tensorboards.open(page.viewer, project=endpoint.project, chosen=chosen)
    except TaasError as exc:
        return page.show("tensorboard", _values(page, endpoint) | {"problem": exc.detail}, exc.status)
    return to(f"/tensorboards/{made.id}?then=open")


async def _found(page: Page, project: str) -> dict[str, Any]:
    found = await page.context.endpoints.page(page.viewer, Kind.TENSORBOARD, page.paged(), project.strip() or None)
    return {"boards": found.items, "next_cursor": page.cursor(found.next), "project": project.strip()}


async def _refused(page: Page, exc: TaasError, project: str) -> Response:
    if project:
        return await _choose(page, project, problem=exc.detail, status=exc.status)
    found = await page.context.endpoints.page(page.viewer, Kind.TENSORBOARD, PageRequest())
    values = {"boards": found.items, "next_cursor": None, "project": "", "problem": exc.detail, "paging": False}
    return page.show("tensorboards", values, exc.status)


async def _choose(page: Page, name: str, *, problem: str = "", status: int = 200) -> Response:
    project = await page.context.projects.get(page.viewer, name)
    found = await page.context.trainings.page(page.viewer, TrainingFilter(project=name), page.paged(MOST))
    values = {
        "project": project,
        "trainings": [record.training for record in found.items if record.training.spec.storage],
        "next_cursor": page.cursor(found.next),
        "problem": problem,
    }
    return page.show("tensorboard_choose", values, status)


def _values(page: Page, endpoint: Endpoint, *, opens: bool = False) -> dict[str, Any]:
    used = max(filter(None, (endpoint.running_at, endpoint.last_request_at)), default=None)
    running = endpoint.state is EndpointState.RUNNING
    spec = endpoint.tensorboard
    return {
        "board": endpoint,
        "address": _address(page, endpoint),
        # Both are in the order of the ids.
        "shown": [*zip(spec.trainings or (), (one.number for one in spec.sources), strict=False)],
        "may_change": can(page.viewer, Action.CHANGE, owner_id=endpoint.owner_id),
        "may_start": can(page.viewer, Action.CREATE),
        "stops_at": used + endpoint.tensorboard.idle_timeout if used and running else None,
        "opens": opens,
    }


def _address(page: Page, endpoint: Endpoint) -> str:
    settings = page.context.settings
    return address_of(settings.public_url or str(page.request.base_url), settings.apps_host, endpoint.id)


def _no_host(public_url: str | None, apps_host: str) -> str:
    """A public TaaS needs a wildcard host; `localhost` means the machine of whoever looks."""
    host = urlsplit(public_url or "").hostname
    if host is None or apps_host != "localhost" or host in ("localhost", "127.0.0.1", "::1"):
        return ""
    return (
        "TensorBoards need a host name of their own, and this TaaS has none yet: its operator sets TAAS_APPS_HOST to a "
        "name such as apps.example.com, with a wildcard DNS entry and certificate."
    )
