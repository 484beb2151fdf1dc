"""/audit: what people did."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.deps import Ctx, Listing, Me, Paged
from app.api.problems import documented
from app.api.schemas.audit import AuditEntryOut
from app.domain.audit import AuditFilter

router = APIRouter(prefix="/audit", tags=["audit"])
Wanted = Annotated[str | None, Query(min_length=1, max_length=300)]


@router.get("", responses=documented())
async def list_audit_entries(
    me: Me, context: Ctx, paging: Paged, actor: Wanted = None, action: Wanted = None, object: Wanted = None
) -> Listing[AuditEntryOut]:
    """The newest first; the filters match to the letter. For admins."""
    found = await context.audit.page(me, AuditFilter(actor, action, object), paging.request)
    return paging.listing(found, AuditEntryOut.model_validate)
