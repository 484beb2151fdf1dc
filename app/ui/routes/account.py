"""The account of whoever is logged in: password, tokens, sessions."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import Response

from app.domain.paging import PageRequest
from app.errors import Conflict, InvalidInput, NotFound, TooManyRequests
from app.ui.page import Page, Shown, field_errors, to

router = APIRouter(prefix="/account")
LIFETIMES = {"30": timedelta(days=30), "90": timedelta(days=90), "365": timedelta(days=365), "": None}
NAME_MAX = 63


@router.get("")
async def account(page: Shown, done: str = "") -> Response:
    return await _show(page, done=_DONE.get(done, ""))


@router.post("/password")
async def change_password(
    page: Shown,
    current: Annotated[str, Form(max_length=1000)] = "",
    new: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    address = page.request.client.host if page.request.client else "unknown"
    try:
        await page.context.accounts.change_password(
            page.viewer, current=current, new=new, address=address, session=page.secret
        )
    except InvalidInput as exc:
        return await _show(page, errors=field_errors(exc), status=422)
    except TooManyRequests as exc:
        return await _show(page, problem=exc.detail, status=429)
    return to("/account?done=password")


@router.post("/tokens")
async def make_token(
    page: Shown, name: Annotated[str, Form(max_length=500)] = "", lifetime: Annotated[str, Form()] = "90"
) -> Response:
    form = {"name": name, "lifetime": lifetime}
    name = name.strip().replace("\0", "")
    if not 1 <= len(name) <= NAME_MAX:
        errors = {"/name": f"The name has {len(name):,} characters; use 1 to {NAME_MAX}."}
        return await _show(page, form=form, errors=errors, status=422)
    if lifetime not in LIFETIMES:
        return await _show(page, form=form, errors={"/lifetime": "Choose one of the lifetimes."}, status=422)
    try:
        token, secret = await page.context.tokens.create(page.viewer, name, LIFETIMES[lifetime])
    except Conflict as exc:
        return await _show(page, form=form, errors={"/name": exc.detail}, status=409)
    return await _show(page, new_token=token, secret=secret)


@router.post("/tokens/{token_id}/revoke")
async def revoke_token(page: Shown, token_id: UUID) -> Response:
    try:
        await page.context.tokens.revoke(page.viewer, token_id)
    except NotFound:
        return to("/account?done=revoked")  # it was revoked in another window: what was wanted is so
    return to("/account?done=revoked")


@router.post("/sessions/{session_id}/end")
async def end_session(page: Shown, session_id: UUID) -> Response:
    try:
        await page.context.accounts.end_session(page.viewer, session_id)
    except NotFound:
        return to("/account?done=session")
    return to("/account?done=session")


async def _show(page: Page, *, status: int = 200, form: dict[str, str] | None = None, **values: Any) -> Response:
    tokens = await page.context.tokens.page(page.viewer, PageRequest(200))
    sessions = await page.context.accounts.own_sessions(page.viewer, session=page.secret)
    shown = {
        "tokens": tokens.items,
        "sessions": sessions,
        "now": page.context.clock(),
        "form": form or {"name": "", "lifetime": "90"},
        "new_token": None,
        **values,
    }
    return page.show("account", shown, status)


_DONE = {
    "password": "Your password was changed, and your other sessions were ended.",
    "revoked": "The token was revoked.",
    "session": "That session was ended.",
}
