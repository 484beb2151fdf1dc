"""/retention: what is removed because of its age."""

from __future__ import annotations

from fastapi import APIRouter

from app.api.deps import Ctx, Me
from app.api.problems import documented
from app.api.schemas.retention import RetentionPreviewOut

router = APIRouter(prefix="/retention", tags=["retention"])


@router.get("/preview", responses=documented(503))
async def preview_retention(me: Me, context: Ctx) -> RetentionPreviewOut:
    """What would go now by the settings of this installation. For admins; nothing is changed."""
    return RetentionPreviewOut.model_validate(await context.retention.preview(me))
