"""/session: logging in and out, and what a person does to their own account."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Response

from app.api.deps import ClientAddress, Ctx, Me, SessionSecret
from app.api.problems import documented
from app.api.schemas.accounts import LoginIn, MeOut, PasswordChangeIn, SessionOut, SessionsOut
from app.auth.cookies import clear_session_cookie, set_session_cookie

router = APIRouter(tags=["session"])


@router.post("/session", responses=documented(429))
async def log_in(
    body: LoginIn,
    response: Response,
    context: Ctx,
    address: ClientAddress,
    user_agent: Annotated[str, Header(include_in_schema=False)] = "",
) -> MeOut:
    """Log in with a name and a password; the answer sets the session cookie. Programs use an API token instead."""
    user, secret = await context.accounts.log_in(body.name, body.password, address=address, user_agent=user_agent)
    set_session_cookie(response, secret, lifetime=context.settings.session_lifetime, secure=context.secure)
    return MeOut(name=user.name, role=user.role)


@router.get("/session", responses=documented())
async def get_session(me: Me) -> MeOut:
    """Who you are."""
    return MeOut(name=me.name, role=me.role)


@router.delete("/session", status_code=204, responses=documented())
async def log_out(response: Response, context: Ctx, secret: SessionSecret) -> None:
    """End the session of the cookie that is sent."""
    if secret is not None:
        await context.accounts.log_out(secret)
    clear_session_cookie(response, secure=context.secure)


@router.post("/session/password", status_code=204, responses=documented(429))
async def change_password(
    body: PasswordChangeIn, me: Me, context: Ctx, address: ClientAddress, secret: SessionSecret
) -> None:
    """Change your password. Your other sessions end, this one goes on."""
    await context.accounts.change_password(
        me, current=body.current_password, new=body.password, address=address, session=secret
    )


@router.get("/sessions", responses=documented())
async def list_sessions(me: Me, context: Ctx, secret: SessionSecret) -> SessionsOut:
    """Where you are logged in, the newest first."""
    found = await context.accounts.own_sessions(me, session=secret)
    return SessionsOut(items=[SessionOut.model_validate(session) for session in found])


@router.delete("/sessions/{session_id}", status_code=204, responses=documented(404))
async def end_session(session_id: UUID, me: Me, context: Ctx) -> None:
    """Log out somewhere else."""
    await context.accounts.end_session(me, session_id)
