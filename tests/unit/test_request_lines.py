"""Which requests leave a line for whoever watches the terminal."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from app.telemetry import RequestMiddleware


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("GET", "/projects", 200, False),
        ("GET", "/", 303, False),
        ("HEAD", "/static/app.css", 304, False),
        ("GET", "/readyz", 503, False),
        ("GET", "/projects/none", 404, True),
        ("GET", "/projects", 500, True),
        ("POST", "/projects", 303, True),
        ("DELETE", "/api/v1/projects/x", 204, True),
    ],
)
async def test_only_changes_and_errors_are_told(method: str, path: str, status: int, told: bool) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def nothing(*_: Any) -> Any:
        return None

    with capture_logs() as lines:
        await RequestMiddleware(app)({"type": "http", "method": method, "path": path, "headers": []}, nothing, nothing)
    assert [line["status"] for line in lines if line["log_level"] != "debug"] == ([status] if told else [])
