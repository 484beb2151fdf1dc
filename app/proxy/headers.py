"""Which headers pass, in both directions: nothing by which an endpoint could act for its viewer, or on TaaS.

PURE: values in, values out.
"""

from __future__ import annotations

from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

POLICY = (
    b"default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; connect-src 'self' data: blob:; "
    b"form-action 'self'; frame-ancestors 'self'; base-uri 'self'; object-src 'none'"
)
"""Added to what the endpoint says itself: its pages can use what they are made of, and nothing elsewhere."""

_HOP = {
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te", b"trailer",
    b"transfer-encoding", b"upgrade", b"expect",
}  # fmt: skip
# Who somebody is, in the words of one proxy or another: endpoints are told nothing, and cannot be lied to.
_IDENTITY = {b"authorization", b"cookie", b"forwarded", b"via", b"x-real-ip", b"remote-user", b"kubeflow-userid"}
_IDENTITY_PREFIXES = (
    b"x-forwarded", b"x-auth", b"x-remote", b"x-user", b"x-taas", b"x-goog-", b"x-amzn-oidc", b"x-ms-", b"x-webauth",
    b"x-token", b"x-api-key", b"x-original", b"cf-",
)  # fmt: skip
_SOCKET = (b"sec-websocket-", b"origin", b"host")
_OURS = {
    b"set-cookie", b"set-cookie2", b"clear-site-data", b"strict-transport-security", b"alt-svc", b"server",
    b"cross-origin-opener-policy", b"cross-origin-resource-policy", b"referrer-policy", b"permissions-policy",
    b"x-frame-options", b"report-to", b"reporting-endpoints", b"nel", b"content-security-policy-report-only",
}  # fmt: skip
_STANDARD: Headers = [
    (b"content-security-policy", POLICY),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"x-content-type-options", b"nosniff"),
]


def upstream(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """What an endpoint is sent of a request's headers."""
    given = [(name.lower(), value) for name, value in headers]
    named = _named_by_connection(given)
    return [(name, value) for name, value in given if name not in _HOP | named and not _tells_who(name)]


def upstream_of_socket(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The same for the request that opens a websocket, which has headers of its own."""
    return [(name, value) for name, value in upstream(headers) if not name.startswith(_SOCKET)]


def downstream(headers: Iterable[tuple[bytes, bytes]], *, address: str) -> Headers:
    """What the browser is sent of an answer's headers; redirects to `address` itself become relative."""
    given = [(name.lower(), value) for name, value in headers]
    named = _named_by_connection(given)
    kept = [
        (name, _changed(name, value, address))
        for name, value in given
        if name not in _HOP | _OURS | named and not name.startswith(b"access-control-")
    ]
    there = {name for name, _ in kept} - {b"content-security-policy"}
    added = [pair for pair in _STANDARD if pair[0] not in there]
    return kept + added + ([] if b"cache-control" in there else [(b"cache-control", b"no-store")])


def value_of(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """The header's value; the first when there are several."""
    return next((value.decode("latin-1") for found, value in headers if found.lower() == name), None)


def cookies_of(headers: Iterable[tuple[bytes, bytes]], name: str) -> list[str]:
    """The values of a cookie; several when somebody has planted another."""
    pairs = [
        part.strip().partition("=")
        for found, value in headers
        if found.lower() == b"cookie"
        for part in value.decode("latin-1").split(";")
    ]
    return [value for key, equals, value in pairs if equals and key == name]


def _named_by_connection(headers: Headers) -> set[bytes]:
    return {
        part.strip().lower() for name, value in headers if name == b"connection" for part in value.split(b",") if part
    }


def _tells_who(name: bytes) -> bool:
    return name in _IDENTITY or name.startswith(_IDENTITY_PREFIXES)


def _changed(name: bytes, value: bytes, address: str) -> bytes:
    if name == b"location":
        rest = value.removeprefix(f"http://{address}".encode())
        return rest if rest != value and rest.startswith(b"/") else value
    if name == b"cache-control":
        parts = [part.strip() for part in value.split(b",")]
        return b", ".join([b"private", *(part for part in parts if part.lower() not in (b"public", b"private"))])
    return value
