"""What every page's handler is given: who looks, through which context, and how to answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from app.auth import cookies
from app.context import Context, context_of
from app.domain import cron
from app.domain.access import Action, Principal, can
from app.domain.paging import Key, PageRequest, decode_cursor, encode_cursor, list_scope
from app.errors import NotAuthenticated, TaasError
from app.ui.render import render

ZONE_COOKIE = "taas_zone"


@dataclass(frozen=True, slots=True)
class Page:
    """One request of a logged-in person."""

    request: Request
    context: Context
    viewer: Principal
    secret: str

    def show(self, name: str, values: Mapping[str, Any], status: int = 200) -> HTMLResponse:
        """`templates/pages/<name>.html` with what all pages know."""
        return HTMLResponse(render(f"pages/{name}.html", self.values(values)), status_code=status)

    def values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "viewer": self.viewer,
            "path": self.request.url.path,
            "zone": self.zone.key,
            "may_create": can(self.viewer, Action.CREATE),
            "done": "",
            "problem": "",
            "errors": {},
            **values,
        }

    @property
    def zone(self) -> ZoneInfo:
        """The person's time zone, as their browser has told it in a cookie; UTC until it has."""
        name = self.request.cookies.get(ZONE_COOKIE, "")
        return cron.zone(name if name in cron.zones() else "UTC")

    @property
    def base_url(self) -> str:
        """How this person reaches TaaS, without a slash at the end."""
        return (self.context.settings.public_url or str(self.request.base_url)).rstrip("/")

    def paged(self, limit: int = 50) -> PageRequest:
        """The part of a list that the address asks for."""
        cursor = self.request.query_params.get("cursor")
        return PageRequest(limit, decode_cursor(cursor, self._scope()) if cursor else None)

    def cursor(self, key: Key | None) -> str | None:
        """What the link to the next part carries; None when there is none."""
        return encode_cursor(key, self._scope()) if key is not None else None

    def _scope(self) -> str:
        """The list that a cursor belongs to; the stream that sends its first part again means the same one."""
        filters = [
            pair for pair in self.request.query_params.multi_items() if pair[0] not in {"cursor", "done"} and pair[1]
        ]
        return list_scope(self.request.url.path.removeprefix("/live"), filters)


async def _page(request: Request) -> Page:
    context = context_of(request)
    secret = session_secret(request, context)
    if secret is None:
        raise NotAuthenticated("Log in first.")
    viewer = await context.accounts.by_session(secret)
    request.state.viewer = viewer
    return Page(request, context, viewer, secret)


Shown = Annotated[Page, Depends(_page)]


def session_secret(request: Request, context: Context) -> str | None:
    return request.cookies.get(cookies.cookie_name(secure=context.secure)) or None


def to(address: str) -> RedirectResponse:
    """After a form: look at `address` next."""
    return RedirectResponse(address, status_code=303)


def login_address(request: Request) -> str:
    """Where to log in, and to come back to the page that was asked for."""
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return "/login" if back == "/" or request.method != "GET" else f"/login?next={quote(back, safe='/')}"


def safe_next(address: str) -> str:
    """A path of this site, or `/`: nobody is sent elsewhere by what a link carried."""
    plain = all(" " < character < "\x7f" and character != "\\" for character in address)
    return address if plain and address.startswith("/") and not address.startswith("//") else "/"


def field_errors(exc: TaasError) -> dict[str, str]:
    """Errors by their pointer, for beside the fields; several of one field in one text.

    What is wrong inside a field that a form shows as one text (such as node labels) belongs to that field.
    """
    found: dict[str, str] = {}
    for error in exc.errors:
        pointer = _INSIDE.sub(r"\1", error.pointer)
        found[pointer] = f"{found[pointer]} {error.detail}" if pointer in found else error.detail
    return found


_INSIDE = re.compile(r"^(/roles/[^/]+/(?:node_selector|tolerations)|/tags)/.*$")
