"""What every request has to pass before any route sees it, and the headers every answer carries. Pure ASGI."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from app.api.problems import MEDIA_TYPE, ErrorPage, Problem, wants_page
from app.services.uploads import limits_of
from app.settings import MIB, Settings
from app.telemetry import App, Receive, Scope, Send

CSP = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)
BODY_MAX = 4 * MIB
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
# Machines ask these by address.
_ANY_HOST = {"/healthz", "/readyz", "/metrics"}
# What the page of a refusal is drawn with: it is the same for everybody, and tells nothing.
_LOOKS = "/static/"
_SAFE = {"GET", "HEAD", "OPTIONS"}
# A call of a hook is worth what the token in its address is, whoever sends it: no login is looked at.
_NO_LOGIN = "/hooks/"


class SecurityHeaders:
    """A route that sets one of these itself keeps its own."""

    def __init__(self, app: App, *, secure: bool) -> None:
        self.app = app
        self._headers = [
            (b"content-security-policy", CSP.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
            (b"cache-control", b"no-store"),
        ]
        if secure:
            self._headers.append((b"strict-transport-security", b"max-age=31536000"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))
                there = {name.lower() for name, _ in headers}
                message["headers"] = headers + [pair for pair in self._headers if pair[0] not in there]
            await send(message)

        await self.app(scope, receive, send_with_headers)


class HostCheck:
    """Refuses host names that are not ours, against DNS rebinding."""

    def __init__(self, app: App, settings: Settings, page: ErrorPage) -> None:
        self.app = app
        self._page = page
        public = urlsplit(settings.public_url or "").hostname
        self._hosts = _LOOPBACK | {host.lower() for host in settings.allowed_hosts} | {settings.host.lower()}
        if public:
            self._hosts.add(public)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._known(scope):
            detail = "This host name is not one of this server's. Its operator can add it to TAAS_ALLOWED_HOSTS."
            await _refuse(scope, receive, send, self._page, 400, "unknown_host", detail)
            return
        await self.app(scope, receive, send)

    def _known(self, scope: Scope) -> bool:
        path: str = scope["path"]
        if path in _ANY_HOST or path.startswith(_LOOKS):
            return True
        return _host_name(_header(scope, b"host") or "") in self._hosts


class CleanAddress:
    """Refuses paths and queries with a NUL: no text column can hold one."""

    def __init__(self, app: App, page: ErrorPage) -> None:
        self.app = app
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and ("\0" in scope["path"] or b"%00" in scope["query_string"]):
            detail = "The address contains a NUL character; leave it out."
            await _refuse(scope, receive, send, self._page, 400, "bad_request", detail)
            return
        await self.app(scope, receive, send)


class CsrfCheck:
    """Refuses changes that another site's page could have caused in a logged-in browser.

    Programs that send a Bearer token carry no ambient login, so there is nothing to abuse. A browser says where a
    request comes from in `Sec-Fetch-Site`, older ones in `Origin`; with a cookie one of the two has to be there.
    """

    def __init__(self, app: App, settings: Settings, page: ErrorPage) -> None:
        self.app = app
        self._page = page
        self._public = urlsplit(settings.public_url or "").netloc.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _SAFE and not self._harmless(scope):
            await _refuse(scope, receive, send, self._page, 403, "cross_site", _why_refused(scope))
            return
        await self.app(scope, receive, send)

    def _harmless(self, scope: Scope) -> bool:
        if scope["path"].startswith(_NO_LOGIN):
            return True
        if (_header(scope, b"authorization") or "").lower().startswith("bearer "):
            return True
        origin = _header(scope, b"origin")
        site = _header(scope, b"sec-fetch-site")
        if site is not None:
            return site in {"same-origin", "none"}
        if origin is not None:
            host = (_header(scope, b"host") or "").lower()
            return urlsplit(origin).netloc.lower() in {host, self._public} - {""}
        return _header(scope, b"cookie") is None


def _why_refused(scope: Scope) -> str:
    if _header(scope, b"origin") is None and _header(scope, b"sec-fetch-site") is None:
        return (
            "A change with a session's cookie has to say which site it comes from, as browsers do (Origin, "
            "Sec-Fetch-Site). A program sends an API token instead: `Authorization: Bearer taas_…`."
        )
    return "This change was asked for by a page of another site. Do it from TaaS itself."


class BodyLimit:
    """Refuses bodies over their limit, at once when they say so and else while they arrive."""

    def __init__(self, app: App, settings: Settings, page: ErrorPage) -> None:
        self.app = app
        self._page = page
        self._upload_max = limits_of(settings).max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        multipart = (_header(scope, b"content-type") or "").lower().startswith("multipart/form-data")
        limit = self._upload_max if multipart else BODY_MAX
        detail = f"The body is larger than the {limit // MIB} MiB that are allowed here."
        declared = _header(scope, b"content-length") or "0"
        # The form of an upload looks at the announced length itself, to show again what was typed.
        by_form = multipart and scope["path"].startswith("/algorithms")
        if not declared.isdigit() or (int(declared[:20]) > limit and not by_form):
            await _refuse(scope, receive, send, self._page, 413, "too_large", detail)
            return
        taken = 0
        started = False

        async def counted() -> MutableMapping[str, Any]:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise _OverLimit
            return message

        async def noting(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, counted, noting)
        except _OverLimit:
            if not started:
                await _refuse(scope, receive, send, self._page, 413, "too_large", detail)


class _OverLimit(BaseException):
    """Passes through whatever reads the body; no `except Exception` may turn it into something else."""


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def _host_name(host: str) -> str:
    if "@" in host:
        return ""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


async def _refuse(
    scope: Scope, receive: Receive, send: Send, page: ErrorPage, status: int, code: str, detail: str
) -> None:
    """Answer a person's browser with a page, a program with a problem.

    The connection stays open and the server reads over what is still to come: a client that is in the middle of
    sending would else find its connection reset, and not this answer.
    """
    problem = Problem(
        type=f"urn:taas:problem:{code}",
        title="Refused",
        status=status,
        detail=detail,
        code=code,
        request_id=scope.get("state", {}).get("request_id"),
    )
    response: Response = JSONResponse(problem.model_dump(), status_code=status, media_type=MEDIA_TYPE)
    if wants_page(request := Request(scope)):
        response = await page(request, problem)
    await response(scope, receive, send)
