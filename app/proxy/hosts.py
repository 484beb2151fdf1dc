"""The hosts of endpoints, before everything else in the application: `<id>.<apps_host>`.

A browser gets in with a ticket from TaaS, which it exchanges for a cookie of that host alone. What an endpoint sends is
never at TaaS's own origin, so its pages can neither read TaaS nor act there for their viewer.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import structlog

from app.auth import cookies
from app.context import Context
from app.domain.endpoints.endpoint import Endpoint, Kind
from app.domain.endpoints.hosts import endpoint_at, label_at
from app.errors import Unavailable
from app.proxy.carry import Carrier, Cut, NoAnswer
from app.proxy.dial import address
from app.proxy.gate import Gate
from app.proxy.headers import value_of
from app.proxy.pages import answer, say
from app.proxy.sockets import REFUSED, carry_socket
from app.services.passes import COOKIE_LASTS
from app.settings import Settings
from app.telemetry import App, Receive, Scope, Send

ENTER = "/.taas/enter"
PAGES = {Kind.TENSORBOARD: "/tensorboards"}
"""Where in TaaS a kind's own page is."""
_SAFE = {"GET", "HEAD", "OPTIONS"}
_log = structlog.get_logger(__name__)


class AppHosts:
    """Requests for other hosts go on to `app`."""

    def __init__(self, app: App, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._gate = Gate()
        self._carrier: Carrier | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            try:
                return await self._app(scope, receive, send)
            finally:
                if self._carrier is not None:
                    await self._carrier.close()
        host = value_of(scope["headers"], b"host") or ""
        if label_at(host, self._settings.apps_host) is None or self._is_main(host):
            return await self._app(scope, receive, send)
        context: Context = scope["app"].state.context
        request = _Request(self, context, scope, host, endpoint_at(host, self._settings.apps_host))
        try:
            if scope["type"] == "websocket":
                await request.socket(receive, send)
            else:
                await request.http(receive, send)
        except Unavailable as exc:
            await request.unavailable(send, exc)

    @property
    def gate(self) -> Gate:
        return self._gate

    @property
    def carrier(self) -> Carrier:
        """Made with the first request, in the loop that will use it."""
        if self._carrier is None:
            self._carrier = Carrier()
        return self._carrier

    def _is_main(self, host: str) -> bool:
        """TaaS's own name may be one below the same wildcard."""
        public = urlsplit(self._settings.public_url or "").netloc.lower()
        return host.lower() in {public, *(name.lower() for name in self._settings.allowed_hosts)}


class _Request:
    """One request at the host of an endpoint; `endpoint_id` None: the host is nobody's."""

    def __init__(self, owner: AppHosts, context: Context, scope: Scope, host: str, endpoint_id: UUID | None) -> None:
        self._owner = owner
        self._context = context
        self._scope = scope
        self._host = host
        self._endpoint_id = endpoint_id
        self._headers: list[tuple[bytes, bytes]] = scope["headers"]

    async def http(self, receive: Receive, send: Send) -> None:
        endpoint = await self._context.passes.endpoint(self._endpoint_id) if self._endpoint_id else None
        if endpoint is None:
            text = "Nothing is at this address. What was here may have been removed."
            return await self._say(send, 404, "Not found", text, "", "Go to TaaS")
        if self._scope["path"] == ENTER:
            return await self._enter(send, endpoint)
        if not self._from_here():
            text = "This request was made by a page of another site, so it is not carried out."
            return await self._say(send, 403, "Refused", text, "", "Go to TaaS")
        visit = await self._owner.gate.visit(self._context, self._headers, endpoint.id)
        if visit is None:
            text = "You are not signed in here. TaaS lets you in from its own page."
            return await self._say(send, 401, "Open it from TaaS", text, f"{_page(endpoint)}/open", "Open it")
        where = address(visit.endpoint)
        if where is None:
            text = visit.endpoint.message or f"It is {visit.endpoint.state}."
            return await self._say(send, 503, "It does not run", text, _page(endpoint), "See how it is doing")
        await self._owner.gate.used(self._context, endpoint.id)
        try:
            await self._owner.carrier.carry(
                self._scope, receive, send, address=where, still_allowed=self._still_allowed
            )
        except NoAnswer as exc:
            _log.warning("an endpoint does not answer", endpoint=str(endpoint.id), problem=str(exc))
            text = "It runs, but does not answer just now. Try again in a moment."
            await self._say(send, 502, "No answer", text, _page(endpoint), "See how it is doing")
        except Cut as exc:
            _log.info("an answer was cut off", endpoint=str(endpoint.id), problem=str(exc))

    async def socket(self, receive: Receive, send: Send) -> None:
        visit = None
        if self._endpoint_id is not None and self._from_own_page():
            visit = await self._owner.gate.visit(self._context, self._headers, self._endpoint_id)
        where = address(visit.endpoint) if visit else None
        if visit is None or where is None:
            return await send({"type": "websocket.close", "code": REFUSED})
        await self._owner.gate.used(self._context, visit.endpoint.id)
        try:
            await carry_socket(self._scope, receive, send, address=where, still_allowed=self._in_use)
        except NoAnswer as exc:
            _log.warning("an endpoint does not answer", endpoint=str(visit.endpoint.id), problem=str(exc))
            await send({"type": "websocket.close", "code": REFUSED})

    async def unavailable(self, send: Send, exc: Unavailable) -> None:
        """TaaS's own database is away."""
        if self._scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": REFUSED})
        await self._say(send, 503, "Not just now", exc.detail, "", "Go to TaaS")

    async def _enter(self, send: Send, endpoint: Endpoint) -> None:
        """A ticket for a cookie; then the address without the ticket."""
        ticket = parse_qs(self._scope.get("query_string", b"").decode("latin-1")).get("ticket", [""])[0]
        cookie = await self._context.passes.enter(ticket, endpoint.id) if self._scope["method"] == "GET" else None
        if cookie is None:
            text = "This link was used already or is too old. TaaS gives you a new one."
            return await self._say(send, 401, "Open it from TaaS", text, f"{_page(endpoint)}/open", "Open it")
        name = cookies.app_cookie_name(secure=self._context.secure)
        secure = "; Secure" if self._context.secure else ""
        lasts = int(COOKIE_LASTS.total_seconds())
        value = f"{name}={cookie}; Path=/; Max-Age={lasts}; HttpOnly; SameSite=Lax{secure}"
        await answer(send, 303, [(b"location", b"/"), (b"set-cookie", value.encode())])

    async def _still_allowed(self) -> bool:
        """Whether the viewer may still look, and there is still something to look at."""
        assert self._endpoint_id is not None
        visit = await self._owner.gate.visit(self._context, self._headers, self._endpoint_id)
        return visit is not None and address(visit.endpoint) is not None

    async def _in_use(self) -> bool:
        if not await self._still_allowed():
            return False
        assert self._endpoint_id is not None
        await self._owner.gate.used(self._context, self._endpoint_id)
        return True

    def _from_here(self) -> bool:
        """Whether the request is not another site's doing: a link to here may be followed, nothing else."""
        site = value_of(self._headers, b"sec-fetch-site")
        safe = self._scope["method"] in _SAFE
        if site is not None:
            navigates = value_of(self._headers, b"sec-fetch-mode") == "navigate"
            framed = value_of(self._headers, b"sec-fetch-dest") not in (None, "document")
            return site in {"same-origin", "none"} or (safe and navigates and not framed)
        return safe or self._has_token() or self._from_own_page()

    def _from_own_page(self) -> bool:
        """By Origin, which every browser sends with a websocket; programs with a token have no ambient login."""
        origin = value_of(self._headers, b"origin")
        if origin is None:
            return self._has_token()
        return urlsplit(origin).netloc.lower() == self._host.lower()

    def _has_token(self) -> bool:
        return (value_of(self._headers, b"authorization") or "").lower().startswith("bearer ")

    async def _say(self, send: Send, status: int, title: str, text: str, path: str, link_text: str) -> None:
        wants_page = "text/html" in (value_of(self._headers, b"accept") or "")
        link = f"{self._home()}{path or '/'}"
        await say(send, status, title, text, wants_page=wants_page, link=link, link_text=link_text)

    def _home(self) -> str:
        """How browsers reach TaaS itself."""
        settings = self._context.settings
        if settings.public_url:
            return settings.public_url.rstrip("/")
        name = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "") else settings.host
        port = self._host.rpartition(":")[2]
        return f"http://{name}:{port}" if port.isdigit() else f"http://{name}"


def _page(endpoint: Endpoint) -> str:
    return f"{PAGES[endpoint.kind]}/{endpoint.id}"
