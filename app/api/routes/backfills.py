"""/backfills: due times of the past, trained as one thing."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.api.deps import Ctx, Listing, Me, NamePath, Paged
from app.api.problems import documented
from app.api.schemas.backfills import BackfillIn, BackfillOut, BackfillTimeOut

router = APIRouter(tags=["backfills"])


@router.post("/projects/{name}/backfills", status_code=202, responses=documented(404, 409))
async def start_backfill(name: NamePath, body: BackfillIn, response: Response, me: Me, context: Ctx) -> BackfillOut:
    """Train every due time of a range of the past, a few at a time."""
    backfill = await context.backfills.create(
        me, name, start=body.from_, end=body.to, concurrency=body.concurrency, request=body.overrides.request()
    )
    response.headers["Location"] = f"/api/v1/backfills/{backfill.id}"
    return BackfillOut.model_validate(backfill)


@router.get("/backfills", responses=documented(404))
async def list_backfills(
    me: Me, context: Ctx, paging: Paged, project: Annotated[str | None, Query(max_length=63)] = None
) -> Listing[BackfillOut]:
    """The newest first."""
    return paging.listing(await context.backfills.page(me, project, paging.request), BackfillOut.model_validate)


@router.get("/backfills/{backfill_id:uuid}", responses=documented(404))
async def get_backfill(backfill_id: UUID, me: Me, context: Ctx) -> BackfillOut:
    """One backfill with the counts of its times."""
    return BackfillOut.model_validate(await context.backfills.get(me, backfill_id))


@router.get("/backfills/{backfill_id:uuid}/times", responses=documented(404))
async def list_backfill_times(backfill_id: UUID, me: Me, context: Ctx, paging: Paged) -> Listing[BackfillTimeOut]:
    """Each of its times with its training, the oldest first."""
    found = await context.backfills.times(me, backfill_id, paging.request)
    return paging.listing(found, BackfillTimeOut.model_validate)


@router.post("/backfills/{backfill_id:uuid}/cancel", responses=documented(404))
async def cancel_backfill(backfill_id: UUID, me: Me, context: Ctx) -> BackfillOut:
    """Start nothing more of it, and stop what runs."""
    return BackfillOut.model_validate(await context.backfills.cancel(me, backfill_id))
