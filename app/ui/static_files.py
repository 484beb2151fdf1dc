"""The files under `static/`: an address with a hash never changes what it holds, so browsers keep it."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.ui.assets import STATIC


class PageFiles(StaticFiles):
    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        known = b"v" in parse_qs(scope.get("query_string", b""))
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if known else "no-cache"
        return answer
