"""Every error as `application/problem+json` (RFC 9457); pages may have their own look for a person's browser."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from app.api.sentences import sentence
from app.errors import NotAuthenticated, TaasError, TooManyRequests

MEDIA_TYPE = "application/problem+json"
# What any route may answer, whatever it does.
ALWAYS = (400, 401, 403, 413, 422, 503)

ErrorPage = Callable[[Request, "Problem"], Awaitable[Response]]


class ProblemError(BaseModel):
    """One thing wrong with one field."""

    where: str = Field(description="body, query, path or header")
    pointer: str = Field(description="A JSON pointer to the field, such as /roles/worker/count")
    detail: str


class Problem(BaseModel):
    """What went wrong; `code` is stable, `detail` is for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str | None = None
    errors: list[ProblemError] = Field(default_factory=list)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route: what it may answer besides success."""
    return {
        status: {
            "description": _DESCRIPTIONS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted({*statuses, *ALWAYS})
    }


def install(app: FastAPI, page: ErrorPage | None = None) -> None:
    """Render every error of `app`. `page` makes the answer for a browser outside of the API."""

    async def answer(request: Request, problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
        problem.request_id = request.scope.get("state", {}).get("request_id")
        if page is not None and wants_page(request):
            response = await page(request, problem)
        else:
            body = problem.model_dump(exclude_none=True)
            response = JSONResponse(body, status_code=problem.status, media_type=MEDIA_TYPE)
        for name, value in (headers or {}).items():
            response.headers[name] = value
        return response

    async def ours(request: Request, exc: Exception) -> Response:
        assert isinstance(exc, TaasError)
        return await answer(request, problem_of(exc, where=_where(request)), _headers_of(exc))

    async def invalid(request: Request, exc: Exception) -> Response:
        assert isinstance(exc, RequestValidationError)
        found = exc.errors()
        if wants_page(request) and any(error["loc"][0] == "path" for error in found):
            # To a person an address is no input: a page with an id that cannot be one is a page that is not there.
            return await answer(request, _of_http(request, HTTPException(404)))
        return await answer(request, _of_validation(found))

    async def http(request: Request, exc: Exception) -> Response:
        assert isinstance(exc, HTTPException)
        headers = {"Allow": ", ".join(_allowed(request))} if exc.status_code == 405 else exc.headers
        return await answer(request, _of_http(request, exc), headers)

    app.add_exception_handler(TaasError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


def wants_page(request: Request) -> bool:
    """Whether a person's browser asked, for something that is not part of the API."""
    return not request.scope["path"].startswith(("/api/", "/hooks/")) and "text/html" in request.headers.get(
        "accept", ""
    )


def problem_of(exc: TaasError, *, where: str = "body") -> Problem:
    return Problem(
        type=f"urn:taas:problem:{exc.code}",
        title=exc.title,
        status=exc.status,
        detail=exc.detail,
        code=exc.code,
        errors=[ProblemError(where=where, pointer=error.pointer, detail=error.detail) for error in exc.errors],
    )


def _where(request: Request) -> str:
    """In which part of the request its fields are: what only reads has no body."""
    return "query" if request.method in ("GET", "HEAD") else "body"


def _headers_of(exc: TaasError) -> dict[str, str]:
    if isinstance(exc, TooManyRequests):
        return {"Retry-After": str(exc.retry_after)}
    if isinstance(exc, NotAuthenticated):
        return {"WWW-Authenticate": 'Bearer realm="taas"'}
    return {}


def _of_validation(found: Sequence[Any]) -> Problem:
    errors = [
        ProblemError(where=str(error["loc"][0]), pointer=_pointer(error), detail=sentence(error))
        for error in found[:50]
    ]
    unreadable = any(error["type"] == "json_invalid" for error in found)
    code = "invalid_json" if unreadable else "invalid_input"
    return Problem(
        type=f"urn:taas:problem:{code}",
        title="The input is not valid",
        status=422,
        detail=" ".join(error.detail for error in errors[:3]),
        code=code,
        errors=errors,
    )


def _pointer(error: Mapping[str, Any]) -> str:
    if error["type"] == "json_invalid":
        return ""  # what is there is a place in a text that has no fields
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in error["loc"][1:])


def _of_http(request: Request, exc: HTTPException) -> Problem:
    code, title, detail = _HTTP.get(exc.status_code, ("http_error", "The request failed", str(exc.detail)))
    if wants_page(request):
        detail = _ON_PAGES.get(exc.status_code, detail)
    return Problem(
        type=f"urn:taas:problem:{code}",
        title=title,
        status=exc.status_code,
        detail=detail.format(method=request.method, path=request.url.path),
        code=code,
    )


def _allowed(request: Request) -> list[str]:
    """Every method that some route takes at this address; the router itself only knows those of one route."""
    methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    routes = request.app.routes
    return [m for m in methods if any(r.matches({**request.scope, "method": m})[0] is Match.FULL for r in routes)]


_HTTP = {
    400: ("bad_request", "The request cannot be read", "The request cannot be read: its body is not what it says."),
    404: ("not_found", "Not found", "There is nothing at this address. See /api/v1/openapi.json for what there is."),
    405: ("method_not_allowed", "Method not allowed", "This address does not take {method}; see the Allow header."),
}
# What says the same to a person, who cannot read the API's document nor headers.
_ON_PAGES = {
    404: "There is nothing at this address. What was here may have been deleted, or the link has a mistake in it.",
    405: "This address cannot be opened like a page: a form sends to it. Go back and use the form.",
}

_DESCRIPTIONS = {
    304: "Not changed",
    400: "The request cannot be read",
    401: "Nobody is logged in, or the token is not valid",
    403: "Not allowed",
    404: "There is no such thing",
    409: "It contradicts the present state",
    410: "It was there and is gone",
    412: "It changed in the meantime",
    413: "Too large",
    415: "This kind of body is not understood",
    422: "The input is not valid",
    428: "If-Match is required",
    429: "Too many requests",
    503: "Something TaaS depends on does not answer",
}
