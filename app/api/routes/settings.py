"""/settings: how this installation is set up."""

from __future__ import annotations

from fastapi import APIRouter

from app.api.deps import Ctx, Me
from app.api.problems import documented
from app.api.schemas.settings import SettingOut, SettingsOut

router = APIRouter(prefix="/settings", tags=["settings"])


@router.get("", responses=documented())
async def list_settings(me: Me, context: Ctx) -> SettingsOut:
    """The settings in force in the process that answers, without secrets. For admins."""
    return SettingsOut(items=[SettingOut.model_validate(one) for one in context.settings_in_force.in_force(me)])
