"""/search: one box for everything that has a name, a number or a reason."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from app.api.deps import Ctx, Me
from app.api.problems import documented
from app.api.schemas.base import Output
from app.domain.search import QUERY_MAX, HitKind

router = APIRouter(prefix="/search", tags=["search"])


class HitOut(Output):
    kind: HitKind
    title: str
    detail: str
    path: Annotated[str, Field(description="Of its page.")]


class HitsOut(Output):
    """The best of each kind; there is no next page."""

    items: list[HitOut]


@router.get("", responses=documented())
async def search(
    me: Me,
    context: Ctx,
    q: Annotated[
        str,
        Query(max_length=QUERY_MAX, description="Beginnings of words, `digits 17`, the beginning of an id, a reason."),
    ],
) -> HitsOut:
    """Projects, algorithms, trainings, images and pages."""
    return HitsOut(items=[HitOut.model_validate(hit) for hit in await context.search.find(me, q)])
