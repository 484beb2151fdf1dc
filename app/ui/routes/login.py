"""Logging in and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from app.auth import cookies
from app.context import context_of
from app.errors import NotAuthenticated, TooManyRequests
from app.ui.page import safe_next, session_secret, to
from app.ui.render import render

router = APIRouter()


@router.get("/login")
async def login_page(request: Request, next: str = "/") -> Response:
    context = context_of(request)
    secret = session_secret(request, context)
    if secret:
        try:
            await context.accounts.by_session(secret)
        except NotAuthenticated:
            return _door(next)
        return to(safe_next(next))
    return _door(next)


@router.post("/login")
async def log_in(
    request: Request,
    name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    context = context_of(request)
    address = request.client.host if request.client else "unknown"
    agent = request.headers.get("user-agent", "")
    try:
        _, secret = await context.accounts.log_in(
            _storable(name), _storable(password), address=address, user_agent=_storable(agent)
        )
    except NotAuthenticated as exc:
        return _door(next, name, exc.detail, 422)
    except TooManyRequests as exc:
        throttled = _door(next, name, exc.detail, 429)
        throttled.headers["Retry-After"] = str(exc.retry_after)
        return throttled
    answer = to(safe_next(next))
    cookies.set_session_cookie(answer, secret, lifetime=context.settings.session_lifetime, secure=context.secure)
    return answer


@router.post("/logout")
async def log_out(request: Request) -> Response:
    context = context_of(request)
    secret = session_secret(request, context)
    if secret:
        await context.accounts.log_out(secret)
    answer = to("/login")
    cookies.clear_session_cookie(answer, secure=context.secure)
    return answer


def _door(next: str, name: str = "", problem: str = "", status: int = 200) -> HTMLResponse:
    values = {"name": name, "problem": problem, "next": safe_next(next), "path": "/login"}
    return HTMLResponse(render("pages/login.html", values), status_code=status)


def _storable(text: str) -> str:
    """Text that a database can hold; nothing else can be a name or a password."""
    return text.replace("\0", "").encode(errors="replace").decode()
