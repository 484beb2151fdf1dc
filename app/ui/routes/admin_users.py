"""People: who may log in, in which role. A new password is made here and shown once."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from app.auth.credentials import new_password
from app.domain.access import UserRole
from app.errors import Conflict, InvalidInput, TaasError
from app.ui.admin import admins_only, show_admin, taken
from app.ui.fields import Sent
from app.ui.page import Page, Shown, to

router = APIRouter(prefix="/admin/users")

ROLES = [
    (UserRole.MEMBER.value, "Member: makes projects and runs them"),
    (UserRole.VIEWER.value, "Viewer: looks only"),
    (UserRole.ADMIN.value, "Admin: may do everything"),
]


@router.get("")
async def users_page(page: Shown) -> Response:
    return await _list(page)


@router.post("")
async def create_user(page: Shown) -> Response:
    sent = Sent(await page.request.form())
    form = {"name": sent.text("name").lower(), "role": sent.text("role")}
    password = new_password()
    try:
        role = _role(sent)
        user = await page.context.accounts.create(page.viewer, name=form["name"], role=role, password=password)
    except (InvalidInput, Conflict) as exc:
        return await _list(page, taken(exc), form=form)
    return await _list(page, once=(user.name, password))


@router.get("/{name}")
async def user_page(page: Shown, name: str, done: str = "") -> Response:
    return await _one(page, name, done=_DONE.get(done, ""))


@router.post("/{name}")
async def change_user(page: Shown, name: str) -> Response:
    sent = Sent(await page.request.form())
    try:
        await page.context.accounts.change(page.viewer, name, role=_role(sent))
    except (InvalidInput, Conflict) as exc:
        return await _one(page, name, exc)
    return to(f"/admin/users/{name}?done=role")


@router.post("/{name}/disable")
async def disable_user(page: Shown, name: str) -> Response:
    try:
        await page.context.accounts.change(page.viewer, name, disabled=True)
    except Conflict as exc:
        return await _one(page, name, exc)
    return to(f"/admin/users/{name}?done=disabled")


@router.post("/{name}/enable")
async def enable_user(page: Shown, name: str) -> Response:
    await page.context.accounts.change(page.viewer, name, disabled=False)
    return to(f"/admin/users/{name}?done=enabled")


@router.post("/{name}/password")
async def reset_password(page: Shown, name: str) -> Response:
    password = new_password()
    await page.context.accounts.set_password(page.viewer, name, password)
    return await _one(page, name, once=(name, password))


def _role(sent: Sent) -> UserRole:
    found = sent.text("role")
    if found not in set(UserRole):
        sent.wrong("/role", "Choose one of the roles.")
    sent.check()
    return UserRole(found)


async def _list(
    page: Page,
    exc: TaasError | None = None,
    *,
    form: dict[str, str] | None = None,
    once: tuple[str, str] | None = None,
) -> Response:
    admins_only(page)
    found = await page.context.accounts.page(page.viewer, page.paged())
    values = {
        "users": found.items,
        "next_cursor": page.cursor(found.next),
        "roles": ROLES,
        "form": form or {"name": "", "role": UserRole.MEMBER.value},
        "once": once,
    }
    return show_admin(page, "users", "admin_users", values, exc)


async def _one(page: Page, name: str, exc: TaasError | None = None, **values: Any) -> Response:
    admins_only(page)
    user = await page.context.accounts.get(page.viewer, name)
    shown = {"user": user, "roles": ROLES, "once": None, **values}
    return show_admin(page, "users", "admin_user", shown, exc)


_DONE = {
    "role": "The role was changed; it counts from the next request on.",
    "disabled": "The account is disabled, and every session of it was ended.",
    "enabled": "The account may log in again.",
}
