"""/tokens: what lets programs act for the person who asks."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from app.api.deps import Ctx, Listing, Me, Paged
from app.api.problems import documented
from app.api.schemas.tokens import NewTokenOut, TokenIn, TokenOut

router = APIRouter(prefix="/tokens", tags=["tokens"])


@router.post("", status_code=201, responses=documented(409))
async def create_token(body: TokenIn, me: Me, context: Ctx) -> NewTokenOut:
    """Make a token. Its secret is in this answer and nowhere else."""
    token, secret = await context.tokens.create(me, body.name, body.expires_in)
    return NewTokenOut(**TokenOut.model_validate(token).model_dump(), token=secret)


@router.get("", responses=documented())
async def list_tokens(me: Me, context: Ctx, paging: Paged) -> Listing[TokenOut]:
    """Your tokens, the newest first."""
    return paging.listing(await context.tokens.page(me, paging.request), TokenOut.model_validate)


@router.delete("/{token_id}", status_code=204, responses=documented(404))
async def revoke_token(token_id: UUID, me: Me, context: Ctx) -> None:
    """Revoke a token; it is worth nothing from the next request on."""
    await context.tokens.revoke(me, token_id)
