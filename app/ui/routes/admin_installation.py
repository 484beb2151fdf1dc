"""The installation itself: its settings in force, and what people did."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from app.domain.audit import AuditFilter
from app.domain.setting import SettingSource
from app.ui.admin import admins_only, show_admin
from app.ui.page import Shown

router = APIRouter(prefix="/admin")
Wanted = Annotated[str, Query(max_length=300)]

SOURCES = {
    SettingSource.DEFAULT: "default",
    SettingSource.ENVIRONMENT: "environment",
    SettingSource.FILE: ".env file",
    SettingSource.START: "given at the start",
}


@router.get("/settings")
async def settings_page(page: Shown) -> Response:
    admins_only(page)
    values = {"settings": page.context.settings_in_force.in_force(page.viewer), "sources": SOURCES}
    return show_admin(page, "settings", "admin_settings", values)


@router.get("/audit")
async def audit_page(page: Shown, actor: Wanted = "", action: Wanted = "", object: Wanted = "") -> Response:
    admins_only(page)
    which = AuditFilter(actor.strip() or None, action.strip() or None, object.strip() or None)
    found = await page.context.audit.page(page.viewer, which, page.paged())
    values = {
        "entries": found.items,
        "next_cursor": page.cursor(found.next),
        "filters": {"actor": actor, "action": action, "object": object},
    }
    return show_admin(page, "audit", "admin_audit", values)
