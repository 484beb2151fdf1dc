"""/tensorboards: the summaries of trainings, shown by TensorBoard."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from app.api.deps import BaseUrl, Ctx, Listing, Me, Paged
from app.api.problems import documented
from app.api.schemas.tensorboards import TensorBoardIn, TensorBoardOut
from app.context import Context
from app.domain.endpoints.endpoint import Endpoint, Kind
from app.domain.endpoints.hosts import address_of

router = APIRouter(prefix="/tensorboards", tags=["tensorboards"])


class _Out:
    """Makes answers that know how this client reaches TaaS."""

    def __init__(self, base: BaseUrl, context: Ctx) -> None:
        self._base = base
        self._context: Context = context

    def __call__(self, endpoint: Endpoint) -> TensorBoardOut:
        return TensorBoardOut.of(endpoint, address_of(self._base, self._context.settings.apps_host, endpoint.id))


Out = Annotated[_Out, Depends()]


@router.post("", status_code=202, responses=documented(404, 409))
async def open_tensorboard(body: TensorBoardIn, response: Response, me: Me, context: Ctx, out: Out) -> TensorBoardOut:
    """Start a TensorBoard, or the same one again: asking twice for the same trainings makes one.

    Follow `state` until it is `running`; `message` says what it waits for.
    """
    endpoint, _new = await context.tensorboards.open(me, project=body.project, chosen=body.trainings)
    response.headers["Location"] = f"/api/v1/tensorboards/{endpoint.id}"
    return out(endpoint)


@router.get("", responses=documented())
async def list_tensorboards(
    me: Me, context: Ctx, paging: Paged, out: Out, project: Annotated[str | None, Query(max_length=200)] = None
) -> Listing[TensorBoardOut]:
    """All, or those of one project, the newest first."""
    return paging.listing(await context.endpoints.page(me, Kind.TENSORBOARD, paging.request, project), out)


@router.get("/{tensorboard_id}", responses=documented(404))
async def get_tensorboard(tensorboard_id: UUID, me: Me, context: Ctx, out: Out) -> TensorBoardOut:
    """One TensorBoard."""
    return out(await context.endpoints.get(me, Kind.TENSORBOARD, tensorboard_id))


@router.delete("/{tensorboard_id}", status_code=202, responses=documented(404))
async def stop_tensorboard(tensorboard_id: UUID, me: Me, context: Ctx, out: Out) -> TensorBoardOut:
    """Stop it. What it shows stays on the storage, and it can be started again for some days."""
    return out(await context.endpoints.stop(me, Kind.TENSORBOARD, tensorboard_id))
