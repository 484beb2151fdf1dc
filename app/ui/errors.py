"""How an error looks in a person's browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from app.ui.page import login_address, to
from app.ui.render import render


class Problem(Protocol):
    """What went wrong, as the API says it too."""

    title: str
    status: int
    detail: str
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Sign:
    """What stands over the words."""

    icon: str


def error_page(request: Request, problem: Problem) -> Response:
    """The page of an error; whoever is not logged in goes to the log-in page and comes back from there."""
    if problem.status == 401 and request.url.path.startswith("/live/"):
        return Response(status_code=401)  # the page's script loads the page again, and that leads to the door
    if problem.status == 401:
        return to(login_address(request))
    values = {
        "status": problem.status,
        "title": problem.title,
        "detail": problem.detail,
        "sign": _SIGNS.get(problem.status, Sign(icon="alert-triangle")).icon,
        "request_id": problem.request_id,
        "path": request.url.path,
        "viewer": getattr(request.state, "viewer", None),
    }
    return HTMLResponse(render("pages/error.html", values), status_code=problem.status)


_SIGNS = {403: Sign(icon="lock"), 404: Sign(icon="mood-puzzled")}
