"""The door of the administration: the first tab that a person may see."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from app.domain.access import Action, can
from app.ui.page import Shown, to

router = APIRouter()


@router.get("/admin")
async def admin_home(page: Shown) -> Response:
    return to("/admin/users" if can(page.viewer, Action.ADMINISTER) else "/admin/images")
