"""Servings: one click from a training, then new versions, shares, sizes and the way back on the serving's page."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.domain.access import Action, can
from app.domain.endpoints.endpoint import Endpoint, Kind
from app.domain.endpoints.serving import Canary
from app.domain.endpoints.serving_addresses import addresses
from app.domain.endpoints.signature import sample
from app.domain.paging import PageRequest
from app.domain.record import TrainingFilter
from app.domain.training import State
from app.errors import Conflict, InvalidInput, NotFound, TaasError, Unavailable
from app.services.access import require
from app.services.servings import Wanted
from app.ui.commands import of_serving
from app.ui.fields import Sent
from app.ui.live import Frame, frames
from app.ui.page import Page, Shown, field_errors, to
from app.ui.render import render
from app.ui.serving_form import BLANK, NO_RULE, choice_of, rule_as_typed, rule_of, typed, wanted_of

router = APIRouter()

ProjectName = Annotated[str, Query(max_length=200)]
OFFERED = 50
"""Trainings whose models a form offers."""


@router.get("/servings")
async def list_servings(page: Shown, project: ProjectName = "") -> Response:
    return page.show("servings", await _found(page, project) | {"paging": "cursor" in page.request.query_params})


@router.get("/live/servings", response_class=EventSourceResponse)
async def servings_live(page: Shown, project: ProjectName = "") -> AsyncIterator[ServerSentEvent]:
    async def look() -> Frame:
        return Frame({"serving-list": render("parts/serving_list.html", await _found(page, project))})

    async for message in frames(page, look, channel="endpoints"):
        yield message


async def _found(page: Page, project: str) -> dict[str, Any]:
    found = await page.context.endpoints.page(page.viewer, Kind.SERVING, page.paged(), project.strip() or None)
    return {"servings": found.items, "next_cursor": page.cursor(found.next), "project": project.strip()}


@router.get("/new/serving")
async def new_serving(page: Shown, project: str = "", training: str = "", path: str = "") -> Response:
    return await _form(page, BLANK | {"project": project, "training": training, "path": path})


@router.post("/servings")
async def create_serving(page: Shown) -> Response:
    """With a training alone it is one click; what does not fit comes back as a form with everything that was sent."""
    sent = Sent(await page.request.form(max_fields=40))
    try:
        wanted, model = wanted_of(sent), choice_of(sent)
        sent.check()
        made = await page.context.servings.create(
            page.viewer,
            name=sent.text("name") or None,
            project=sent.text("project") or None,
            model=model,
            wanted=wanted,
        )
    except (InvalidInput, Conflict) as exc:
        return await _form(page, typed(sent), exc)
    return to(f"/servings/{made.id}")


@router.get("/servings/{serving_id}")
async def serving_page(page: Shown, serving_id: UUID) -> Response:
    return await _show(page, serving_id)


@router.get("/live/servings/{serving_id}", response_class=EventSourceResponse)
async def serving_live(page: Shown, serving_id: UUID) -> AsyncIterator[ServerSentEvent]:
    await page.context.endpoints.get(page.viewer, Kind.SERVING, serving_id)

    async def look() -> Frame:
        endpoint = await page.context.endpoints.get(page.viewer, Kind.SERVING, serving_id)
        return Frame({"serving": render("parts/serving.html", page.values(_values(page, endpoint)))})

    async for message in frames(page, look, channel="endpoints", only=str(serving_id)):
        yield message


@router.get("/servings/{serving_id}/traffic")
async def serving_traffic(page: Shown, serving_id: UUID) -> Response:
    endpoint = await page.context.endpoints.get(page.viewer, Kind.SERVING, serving_id)
    values: dict[str, Any] = {"serving": endpoint, "traffic": None, "trouble": ""}
    try:
        values["traffic"] = await page.context.model_calls.traffic(endpoint)
    except (Conflict, Unavailable) as exc:
        values["trouble"] = exc.detail
    return HTMLResponse(render("parts/serving_traffic.html", values))


@router.get("/servings/{serving_id}/try")
async def serving_signature(page: Shown, serving_id: UUID) -> Response:
    endpoint = await page.context.endpoints.get(page.viewer, Kind.SERVING, serving_id)
    return HTMLResponse(render("parts/serving_try.html", await _try_values(page, endpoint)))


@router.post("/servings/{serving_id}/try")
async def try_serving(page: Shown, serving_id: UUID) -> Response:
    require(page.viewer, Action.CREATE)
    endpoint = await page.context.endpoints.get(page.viewer, Kind.SERVING, serving_id)
    asked = Sent(await page.request.form(max_fields=10)).raw("body")
    values: dict[str, Any] = {"serving": endpoint, "asked": asked, "answer": None, "trouble": ""}
    try:
        body = json.loads(asked)
        if not isinstance(body, dict):
            raise ValueError('an object is wanted, such as {"instances": […]}')
        values["answer"] = await page.context.model_calls.predict(endpoint, body)
    except ValueError as exc:
        values["trouble"] = f"This is not a request: {exc}."
    except (Conflict, Unavailable) as exc:
        values["trouble"] = exc.detail
    return HTMLResponse(render("parts/serving_answer.html", values))


@router.post("/servings/{serving_id}/settings")
async def change_serving(page: Shown, serving_id: UUID) -> Response:
    sent = Sent(await page.request.form(max_fields=40))
    try:
        wanted = wanted_of(sent)
        sent.check()
        await page.context.servings.change(page.viewer, serving_id, wanted)
    except (InvalidInput, Conflict) as exc:
        return await _show(page, serving_id, exc, settings=typed(sent))
    return to(f"/servings/{serving_id}")


@router.post("/servings/{serving_id}/promotion")
async def change_promotion(page: Shown, serving_id: UUID) -> Response:
    sent = Sent(await page.request.form(max_fields=10))
    try:
        rule = rule_of(sent)
        sent.check()
        wanted = Wanted(promotion=rule, no_promotion=rule is None)
        await page.context.servings.change(page.viewer, serving_id, wanted)
    except (InvalidInput, Conflict) as exc:
        return await _show(page, serving_id, exc, rule={name: sent.raw(name) for name in NO_RULE})
    return to(f"/servings/{serving_id}#promotion-title")


@router.post("/servings/{serving_id}/versions")
async def add_version(page: Shown, serving_id: UUID) -> Response:
    sent = Sent(await page.request.form(max_fields=20))
    percent = sent.integer("percent", "/percent")
    try:
        model = choice_of(sent)
        sent.check()
        canary = (percent, 1) if percent is not None else None
        await page.context.servings.add_version(page.viewer, serving_id, model, canary)
    except (InvalidInput, Conflict) as exc:
        return await _show(page, serving_id, exc, version=typed(sent))
    return to(f"/servings/{serving_id}")


@router.post("/servings/{serving_id}/canary")
async def set_canary(page: Shown, serving_id: UUID) -> Response:
    sent = Sent(await page.request.form(max_fields=10))
    version, percent = sent.integer("version", "/version", 0), sent.integer("percent", "/percent", 0)
    replicas = sent.integer("replicas", "/replicas", 1)
    canary = Canary(version or 0, percent or 0, replicas or 0)
    return await _done(page, serving_id, page.context.servings.start_canary(page.viewer, serving_id, canary))


@router.post("/servings/{serving_id}/canary/end")
async def end_canary(page: Shown, serving_id: UUID) -> Response:
    return await _done(page, serving_id, page.context.servings.end_canary(page.viewer, serving_id))


@router.post("/servings/{serving_id}/live")
async def go_live(page: Shown, serving_id: UUID) -> Response:
    version = Sent(await page.request.form(max_fields=10)).integer("version", "/version", 0) or 0
    return await _done(page, serving_id, page.context.servings.go_live(page.viewer, serving_id, version))


@router.post("/servings/{serving_id}/rollback")
async def roll_back(page: Shown, serving_id: UUID) -> Response:
    return await _done(page, serving_id, page.context.servings.roll_back(page.viewer, serving_id))


@router.post("/servings/{serving_id}/stop")
async def stop_serving(page: Shown, serving_id: UUID) -> Response:
    return await _done(page, serving_id, page.context.endpoints.stop(page.viewer, Kind.SERVING, serving_id))


@router.post("/servings/{serving_id}/start")
async def start_serving(page: Shown, serving_id: UUID) -> Response:
    return await _done(page, serving_id, page.context.servings.start(page.viewer, serving_id))


async def _done(page: Page, serving_id: UUID, change: Awaitable[Endpoint]) -> Response:
    try:
        await change
    except (InvalidInput, Conflict) as exc:
        return await _show(page, serving_id, exc)
    return to(f"/servings/{serving_id}")


async def _form(page: Page, form: dict[str, str], exc: TaasError | None = None) -> Response:
    trainings = await _trainings(page, form["project"])
    values = {
        "form": form,
        "trainings": trainings,
        "default_image": page.context.settings.serving_image,
        "errors": field_errors(exc) if exc else {},
        "problem": exc.detail if exc and not field_errors(exc) else "",
    }
    return page.show("serving_new", values, exc.status if exc else 200)


async def _show(
    page: Page,
    serving_id: UUID,
    exc: TaasError | None = None,
    *,
    settings: dict[str, str] | None = None,
    version: dict[str, str] | None = None,
    rule: dict[str, str] | None = None,
) -> Response:
    endpoint = await page.context.endpoints.get(page.viewer, Kind.SERVING, serving_id)
    spec = endpoint.serving
    as_is = BLANK | {
        "replicas": str(spec.replicas),
        "cpu": spec.resources.cpu,
        "memory": spec.resources.memory,
        "gpu": str(spec.resources.gpu),
        "image": spec.image,
        "args": "\n".join(spec.args),
        "least": str(spec.autoscaling.least) if spec.autoscaling else "",
        "most": str(spec.autoscaling.most) if spec.autoscaling else "",
        "cpu_percent": str(spec.autoscaling.cpu_percent) if spec.autoscaling else "",
    }
    values = _values(page, endpoint) | {
        "settings": settings or as_is,
        "version": version or BLANK,
        "rule": rule or rule_as_typed(spec.promotion),
        **await _declared(page, endpoint.project),
        "verdicts": (await page.context.promotions.page(page.viewer, serving_id, PageRequest(10))).items,
        "trainings": await _trainings(page, endpoint.project),
        "errors": field_errors(exc) if exc else {},
        "problem": exc.detail if exc else "",
        "settings_open": settings is not None,
        "commands": of_serving(page, endpoint),
    }
    return page.show("serving", values, exc.status if exc else 200)


async def _declared(page: Page, project: str) -> dict[str, str]:
    """The metric that the project is judged by, in words; nothing where it declares none, or is deleted."""
    try:
        metric = (await page.context.projects.get(page.viewer, project)).spec.metric
    except NotFound:
        metric = None
    if metric is None:
        return {"declared": "", "declared_tag": ""}
    return {"declared": f"{project} declares {metric.tag}: {metric.better} is better.", "declared_tag": metric.tag}


async def _trainings(page: Page, project: str) -> list[tuple[str, str]]:
    """What may have a model: id and words, the newest first."""
    which = TrainingFilter(project=project or None, states=(State.SUCCEEDED,))
    found = await page.context.trainings.page(page.viewer, which, PageRequest(OFFERED))
    return [
        (str(record.training.id), f"{record.training.project} #{record.training.number}")
        for record in found.items
        if record.training.spec.storage
    ]


def _values(page: Page, endpoint: Endpoint) -> dict[str, Any]:
    rest, grpc = addresses(endpoint)
    return {
        "serving": endpoint,
        "spec": endpoint.serving,
        "rest": rest,
        "grpc": grpc,
        "may_change": can(page.viewer, Action.CHANGE, owner_id=endpoint.owner_id),
        "may_try": can(page.viewer, Action.CREATE),
    }


async def _try_values(page: Page, endpoint: Endpoint) -> dict[str, Any]:
    rest, _ = addresses(endpoint)
    values: dict[str, Any] = {
        "serving": endpoint,
        "rest": rest,
        "signatures": (),
        "body": "",
        "trouble": "",
        "may_try": can(page.viewer, Action.CREATE),
    }
    try:
        values["signatures"] = await page.context.model_calls.signatures(endpoint)
    except (Conflict, Unavailable) as exc:
        values["trouble"] = exc.detail
        return values
    made = next((body for one in values["signatures"] if (body := sample(one)) is not None), None)
    values["body"] = json.dumps(made) if made is not None else ""
    return values
