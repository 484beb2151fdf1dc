"""/servings: models behind one address, spread over replicas."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.api.deps import Ctx, Listing, Me, Paged
from app.api.problems import documented
from app.api.schemas.servings import (
    CanaryBody,
    GoLiveIn,
    PredictIn,
    PredictionOut,
    ServingIn,
    ServingOut,
    ServingPatch,
    SignatureOut,
    TensorOut,
    TrafficOut,
    VerdictOut,
    VersionIn,
)
from app.domain.access import Action
from app.domain.endpoints.endpoint import Kind
from app.domain.endpoints.signature import Signature, sample
from app.services.access import require

router = APIRouter(prefix="/servings", tags=["servings"])


@router.post("", status_code=202, responses=documented(404, 409))
async def create_serving(body: ServingIn, response: Response, me: Me, context: Ctx) -> ServingOut:
    """Serve a training's model, or one in the project's folder. Follow `state` until it is `running`."""
    made = await context.servings.create(
        me, name=body.name, project=body.project, model=body.choice(), wanted=body.wanted()
    )
    response.headers["Location"] = f"/api/v1/servings/{made.id}"
    return ServingOut.of(made)


@router.get("", responses=documented())
async def list_servings(
    me: Me, context: Ctx, paging: Paged, project: Annotated[str | None, Query(max_length=200)] = None
) -> Listing[ServingOut]:
    """All, or those of one project, the newest first."""
    return paging.listing(await context.endpoints.page(me, Kind.SERVING, paging.request, project), ServingOut.of)


@router.get("/{serving_id}", responses=documented(404))
async def get_serving(serving_id: UUID, me: Me, context: Ctx) -> ServingOut:
    """One serving."""
    return ServingOut.of(await context.endpoints.get(me, Kind.SERVING, serving_id))


@router.patch("/{serving_id}", status_code=202, responses=documented(404))
async def change_serving(serving_id: UUID, body: ServingPatch, me: Me, context: Ctx) -> ServingOut:
    """Another number of replicas, other resources, image or arguments. Replicas are replaced one by one."""
    return ServingOut.of(await context.servings.change(me, serving_id, body.wanted()))


@router.delete("/{serving_id}", status_code=202, responses=documented(404))
async def stop_serving(serving_id: UUID, me: Me, context: Ctx) -> ServingOut:
    """Stop it. The models stay on the storage, and it can be started again as it was."""
    return ServingOut.of(await context.endpoints.stop(me, Kind.SERVING, serving_id))


@router.post("/{serving_id}/start", status_code=202, responses=documented(404, 409))
async def start_serving(serving_id: UUID, me: Me, context: Ctx) -> ServingOut:
    """Start one that was stopped, as it was."""
    return ServingOut.of(await context.servings.start(me, serving_id))


@router.post("/{serving_id}/versions", status_code=202, responses=documented(404, 409))
async def add_serving_version(serving_id: UUID, body: VersionIn, me: Me, context: Ctx) -> ServingOut:
    """A new version of the model: live at once, or a canary. No request fails while it takes over."""
    return ServingOut.of(await context.servings.add_version(me, serving_id, body.choice(), body.canary()))


@router.post("/{serving_id}/live", status_code=202, responses=documented(404))
async def make_serving_version_live(serving_id: UUID, body: GoLiveIn, me: Me, context: Ctx) -> ServingOut:
    """Send every request to a version that is known; a canary ends."""
    return ServingOut.of(await context.servings.go_live(me, serving_id, body.version))


@router.post("/{serving_id}/rollback", status_code=202, responses=documented(404, 409))
async def roll_back_serving(serving_id: UUID, me: Me, context: Ctx) -> ServingOut:
    """Take the last change of version back: a canary ends, or what was live before is live again."""
    return ServingOut.of(await context.servings.roll_back(me, serving_id))


@router.put("/{serving_id}/canary", status_code=202, responses=documented(404, 409))
async def set_serving_canary(serving_id: UUID, body: CanaryBody, me: Me, context: Ctx) -> ServingOut:
    """Send a share of the requests to another version."""
    return ServingOut.of(await context.servings.start_canary(me, serving_id, body.to_domain()))


@router.delete("/{serving_id}/canary", status_code=202, responses=documented(404))
async def end_serving_canary(serving_id: UUID, me: Me, context: Ctx) -> ServingOut:
    """Send every request to the live version again."""
    return ServingOut.of(await context.servings.end_canary(me, serving_id))


@router.get("/{serving_id}/signatures", responses=documented(404, 409, 503))
async def list_serving_signatures(serving_id: UUID, me: Me, context: Ctx) -> list[SignatureOut]:
    """What the model takes and gives, as it says itself, each with a request to try."""
    found = await context.endpoints.get(me, Kind.SERVING, serving_id)
    return [_signature(one) for one in await context.model_calls.signatures(found)]


@router.post("/{serving_id}/predict", responses=documented(404, 409, 503))
async def try_serving(serving_id: UUID, body: PredictIn, me: Me, context: Ctx) -> PredictionOut:
    """One prediction through TaaS, to try a model. Programs ask the serving itself, at `rest` or `grpc`."""
    require(me, Action.CREATE)
    found = await context.endpoints.get(me, Kind.SERVING, serving_id)
    asked = body.model_dump(exclude_none=True)
    return PredictionOut.model_validate(await context.model_calls.predict(found, asked))


@router.get("/{serving_id}/traffic", responses=documented(404, 409, 503))
async def get_serving_traffic(serving_id: UUID, me: Me, context: Ctx) -> TrafficOut:
    """Requests, latency, and what each replica has of them, by the balancers' own count."""
    found = await context.endpoints.get(me, Kind.SERVING, serving_id)
    return TrafficOut.model_validate(await context.model_calls.traffic(found))


@router.get("/{serving_id}/verdicts", responses=documented(404))
async def list_serving_verdicts(serving_id: UUID, me: Me, context: Ctx, paging: Paged) -> Listing[VerdictOut]:
    """What its rule made of each newer model of the project, the newest first."""
    found = await context.promotions.page(me, serving_id, paging.request)
    return paging.listing(found, VerdictOut.model_validate)


def _signature(found: Signature) -> SignatureOut:
    return SignatureOut(
        name=found.name,
        inputs=[TensorOut(name=one.name, dtype=one.dtype, shape=_shape(one.shape)) for one in found.inputs],
        outputs=[TensorOut(name=one.name, dtype=one.dtype, shape=_shape(one.shape)) for one in found.outputs],
        sample=sample(found),
    )


def _shape(shape: tuple[int | None, ...] | None) -> list[int | None] | None:
    return None if shape is None else list(shape)
