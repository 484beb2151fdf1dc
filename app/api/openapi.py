"""The OpenAPI document, made so that generators of clients understand it."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.api.problems import Problem


def install(app: FastAPI) -> None:
    """Have `app` serve the finished document."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def document(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(title=app.title, version=app.version, routes=app.routes, description=app.description)
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    _binary_uploads(found)
    return found


def _binary_uploads(node: Any) -> None:
    """Generators know `format: binary`; `contentMediaType` makes some of them send text."""
    if isinstance(node, list):
        for part in node:
            _binary_uploads(part)
    if isinstance(node, dict):
        if node.get("type") == "string" and node.pop("contentMediaType", None):
            node["format"] = "binary"
        for part in node.values():
            _binary_uploads(part)
