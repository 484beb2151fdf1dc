"""The few pages that TaaS itself answers with at the host of an endpoint."""

from __future__ import annotations

import base64
import hashlib
import html
import json

from app.telemetry import Send

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1.25rem;color:#182433;"
    "background:#fff}a{color:#0054a6}h1{font-size:1.4rem}"
    "@media(prefers-color-scheme:dark){body{color:#dce1e7;background:#151f2c}a{color:#79b0e8}}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = [
    (b"content-security-policy", f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'none'".encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]


async def say(
    send: Send, status: int, title: str, text: str, *, wants_page: bool, link: str = "", link_text: str = ""
) -> None:
    """A short page for a person, or a problem for a program."""
    if wants_page:
        more = f'<p><a href="{html.escape(link)}">{html.escape(link_text)}</a></p>' if link else ""
        body = (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)} · TaaS</title>'
            f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head>'
            f"<body><main><h1>{html.escape(title)}</h1><p>{html.escape(text)}</p>{more}</main></body></html>"
        )
        kind = b"text/html; charset=utf-8"
    else:
        body = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": f"{text} {link}".strip()})
        kind = b"application/problem+json"
    await answer(send, status, [(b"content-type", kind)], body.encode())


async def answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> None:
    """An answer of TaaS's own."""
    length = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*_HEADERS, *headers, *length]})
    await send({"type": "http.response.body", "body": body})
