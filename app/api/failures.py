"""An exception that nobody expected, told to a person's browser as a page. Pure ASGI."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from fastapi import Request

from app.api.problems import ErrorPage, Problem, wants_page
from app.telemetry import App, Receive, Scope, Send


class FailurePage:
    """Answers with `page` unless the answer has begun. The exception goes on: whoever is around logs it in full."""

    def __init__(self, app: App, page: ErrorPage) -> None:
        self.app = app
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not wants_page(Request(scope)):
            await self.app(scope, receive, send)
            return
        begun = False

        async def noting(message: MutableMapping[str, Any]) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception:
            if not begun:
                response = await self._page(Request(scope), _problem(scope))
                await response(scope, receive, send)
            raise


def _problem(scope: Scope) -> Problem:
    return Problem(
        type="urn:taas:problem:internal_error",
        title="Something went wrong",
        status=500,
        detail="TaaS failed to answer. Its log says why.",
        code="internal_error",
        request_id=scope.get("state", {}).get("request_id"),
    )
