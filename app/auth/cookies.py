"""The session cookie, for whoever answers a browser."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol


class _Response(Protocol):
    def set_cookie(
        self,
        key: str,
        value: str = "",
        *,
        max_age: int | None = None,
        path: str | None = "/",
        secure: bool = False,
        httponly: bool = False,
    ) -> None: ...


PLAIN = "taas_session"
# Browsers take a `__Host-` cookie only over https, for this host alone and for every path of it.
SECURE = "__Host-taas"

# Of the host of an endpoint, not of TaaS itself.
APP_PLAIN = "taas_app"
APP_SECURE = "__Host-taas-app"


def app_cookie_name(*, secure: bool) -> str:
    return APP_SECURE if secure else APP_PLAIN


def cookie_name(*, secure: bool) -> str:
    return SECURE if secure else PLAIN


def set_session_cookie(response: _Response, secret: str, *, lifetime: timedelta, secure: bool) -> None:
    # SameSite=Lax is Starlette's default.
    response.set_cookie(
        cookie_name(secure=secure), secret, max_age=int(lifetime.total_seconds()), secure=secure, httponly=True
    )


def clear_session_cookie(response: _Response, *, secure: bool) -> None:
    response.set_cookie(cookie_name(secure=secure), "", max_age=0, secure=secure, httponly=True)
