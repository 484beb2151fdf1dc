"""/follows: a project that starts when another project's training succeeds."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from app.api.deps import Ctx, Listing, Me, NamePath, Paged
from app.api.problems import documented
from app.api.schemas.follows import FollowChangeIn, FollowIn, FollowOut, FollowStartOut

router = APIRouter(tags=["follows"])


@router.post("/projects/{name}/follows", status_code=201, responses=documented(404, 409))
async def create_follow(name: NamePath, body: FollowIn, response: Response, me: Me, context: Ctx) -> FollowOut:
    """Start this project whenever a training of another one succeeds."""
    follow = await context.follows.create(me, name, body.upstream, body.params)
    response.headers["Location"] = f"/api/v1/follows/{follow.id}"
    return FollowOut.model_validate(follow)


@router.get("/projects/{name}/follows", responses=documented(404))
async def list_follows(name: NamePath, me: Me, context: Ctx, paging: Paged) -> Listing[FollowOut]:
    """What a project follows, the oldest first."""
    return paging.listing(await context.follows.page(me, name, paging.request), FollowOut.model_validate)


@router.get("/follows/{follow_id}", responses=documented(404))
async def get_follow(follow_id: UUID, me: Me, context: Ctx) -> FollowOut:
    """One of them."""
    return FollowOut.model_validate(await context.follows.get(me, follow_id))


@router.patch("/follows/{follow_id}", responses=documented(404))
async def change_follow(follow_id: UUID, body: FollowChangeIn, me: Me, context: Ctx) -> FollowOut:
    """Other params, for successes from now on."""
    return FollowOut.model_validate(await context.follows.change(me, follow_id, body.params))


@router.delete("/follows/{follow_id}", status_code=204, responses=documented(404))
async def delete_follow(follow_id: UUID, me: Me, context: Ctx) -> None:
    """It follows no more."""
    await context.follows.delete(me, follow_id)


@router.get("/follows/{follow_id}/starts", responses=documented(404))
async def list_follow_starts(follow_id: UUID, me: Me, context: Ctx, paging: Paged) -> Listing[FollowStartOut]:
    """What each success led to, the newest first."""
    return paging.listing(await context.follows.starts(me, follow_id, paging.request), FollowStartOut.model_validate)
