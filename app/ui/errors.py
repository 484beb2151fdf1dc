"""How an error looks in a person's browser."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

import structlog
from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from app.context import context_of
from app.domain.access import Principal
from app.errors import NotAuthenticated, Unavailable
from app.ui.page import login_address, session_secret, to
from app.ui.render import render

ASKED_FOR = 2
"""Seconds to find out who looks; then the page is shown as to anybody."""

_log = structlog.get_logger("taas.web")


class Problem(Protocol):
    """What went wrong, as the API says it too."""

    title: str
    status: int
    detail: str
    code: str
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Sign:
    """What stands over the words."""

    icon: str


async def error_page(request: Request, problem: Problem) -> Response:
    """The page of an error, within the site for whoever is logged in. It is made whatever does not work.

    Whoever has to log in goes to the log-in page and comes back from there. A piece of a page gets a piece.
    """
    piece = _is_piece(request)
    if problem.status == 401 and (piece or request.url.path.startswith("/live/")):
        # The page is loaded again, by htmx or the page's script, and that leads to the door.
        return Response(status_code=401, headers={"HX-Refresh": "true"})
    if problem.status == 401:
        return to(login_address(request))
    return _drawn(request, problem, None if piece else await _viewer(request, problem))


async def refusal_page(request: Request, problem: Problem) -> Response:
    """The page of what is refused before anything is looked at: the same for everybody, without a session."""
    return _drawn(request, problem, None)


def _drawn(request: Request, problem: Problem, viewer: Principal | None) -> Response:
    values = {
        "title": problem.title,
        "detail": problem.detail,
        "sign": _SIGNS.get(problem.status, Sign(icon="alert-triangle")).icon,
        "request_id": problem.request_id,
        "path": request.scope["path"],
        "viewer": viewer,
        "home": problem.code != _NOT_HERE,
    }
    name = "parts/error.html" if _is_piece(request) else "pages/error.html"
    return HTMLResponse(render(name, values), status_code=problem.status)


def _is_piece(request: Request) -> bool:
    return "hx-request" in request.headers


async def _viewer(request: Request, problem: Problem) -> Principal | None:
    """Who looks, as far as can be told now: an address without a page has not asked, and the database may be gone."""
    known: Principal | None = getattr(request.state, "viewer", None)
    context = context_of(request)
    secret = session_secret(request, context)
    if known is not None or secret is None or problem.status == Unavailable.status:
        return known
    try:
        async with asyncio.timeout(ASKED_FOR):
            return await context.accounts.by_session(secret)
    except NotAuthenticated:
        return None
    except Exception as exc:
        # Whatever this is, the person is told what they were about to be told.
        _log.warning("cannot tell who sees an error page", error=str(exc) or type(exc).__name__)
        return None


_NOT_HERE = "unknown_host"  # no link of the page would lead anywhere at that host
_SIGNS = {403: Sign(icon="lock"), 404: Sign(icon="mood-puzzled")}
