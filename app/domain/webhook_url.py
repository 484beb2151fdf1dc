"""The address of a webhook, taken apart once, the same way for saying no to it and for calling it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.domain.addresses import Network, literal, may_call
from app.errors import FieldError, InvalidInput

LONGEST = 2000
_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?", re.I | re.A)


@dataclass(frozen=True, slots=True)
class WebhookUrl:
    """`target` is path and query, as they go into the request line."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def place(self) -> str:
        """Host and port: what is slow for all who call it."""
        return f"{_bracketed(self.host)}:{self.port}"

    @property
    def host_header(self) -> str:
        return _bracketed(self.host) if self.port == _PORTS[self.scheme] else self.place

    def at(self, address: str) -> str:
        """The URL with an address in the place of the host's name."""
        return f"{self.scheme}://{_bracketed(address)}:{self.port}{self.target}"


def parse_url(text: str, allowed: Sequence[Network] = ()) -> WebhookUrl:
    """Raises `InvalidInput` when it is no http(s) address, or an IP address that webhooks may not call."""
    if not 1 <= len(text) <= LONGEST or not all("!" <= character <= "~" for character in text):
        raise _wrong(
            f"The URL must have 1 to {LONGEST:,} characters of ASCII without spaces; percent-encode the others."
        )
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as exc:
        raise _wrong(f"The URL cannot be read: {exc}. Write it like https://example.com/taas.") from exc
    if parts.scheme not in _PORTS or not host:
        raise _wrong("The URL must begin with https:// or http:// and a host, such as https://example.com/taas.")
    if "@" in parts.netloc:
        raise _wrong("The URL must not have a name or a password in it; the signature says who sends.")
    if parts.fragment:
        raise _wrong("The URL must not have a part after #; no server ever sees it.")
    address = literal(host)
    if address is None and not (_NAME.fullmatch(host) and len(host) <= 253):
        raise _wrong(f"The URL's host {host!r} is not a name or an address.")
    if address is not None and not may_call(address, allowed):
        raise _wrong(refusal(host))
    path = parts.path or "/"
    target = f"{path}?{parts.query}" if parts.query else path
    return WebhookUrl(parts.scheme, host.lower(), _PORTS[parts.scheme] if port is None else port, target)


def refusal(address: str, *, host: str = "") -> str:
    """Why an address is not called, also when it is that of a `host`, and who could allow it."""
    what = f"{host} leads to {address}, which" if host and host != address else address
    return (
        f"{what} is not a public address, so webhooks may not call it. "
        "An admin can allow its network with TAAS_WEBHOOK_ALLOWED_NETWORKS."
    )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _wrong(detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError("/url", detail)])
