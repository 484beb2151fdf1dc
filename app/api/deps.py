"""What routes ask for by type: the context, who is asking, which page of a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Path, Query, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials
from pydantic import BaseModel

from app.auth import cookies
from app.context import Context, context_of
from app.domain.access import Principal
from app.domain.paging import LARGEST, Page, PageRequest, decode_cursor, encode_cursor, list_scope
from app.domain.training import TaskKey
from app.errors import NotAuthenticated, NotFound

_bearer = HTTPBearer(auto_error=False, scheme_name="token", description="An API token, as made under /tokens.")
_cookie = APIKeyCookie(name=cookies.PLAIN, auto_error=False, scheme_name="session")

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


def _context(request: Request) -> Context:
    return context_of(request)


Ctx = Annotated[Context, Depends(_context)]


def session_secret(request: Request, context: Ctx) -> str | None:
    """The secret in the session cookie."""
    return request.cookies.get(cookies.cookie_name(secure=context.secure))


SessionSecret = Annotated[str | None, Depends(session_secret)]


async def _principal(
    context: Ctx,
    secret: SessionSecret,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    _documented: Annotated[str | None, Security(_cookie)],
) -> Principal:
    if bearer is not None:
        return await context.accounts.by_token(bearer.credentials)
    if secret is not None:
        return await context.accounts.by_session(secret)
    raise NotAuthenticated("Log in, or send an API token as `Authorization: Bearer taas_…`.")


Me = Annotated[Principal, Depends(_principal)]


class Listing(BaseModel, Generic[M]):
    """One page of a list; go on with `?cursor=` and the same filters until `next_cursor` is null."""

    items: list[M]
    next_cursor: str | None


class Paging:
    """The page that was asked for, and the answer made of it."""

    def __init__(
        self,
        request: Request,
        limit: Annotated[int, Query(ge=1, le=LARGEST)] = 50,
        cursor: Annotated[str | None, Query(max_length=2000)] = None,
    ) -> None:
        filters = [pair for pair in request.query_params.multi_items() if pair[0] not in {"limit", "cursor"}]
        self._scope = list_scope(request.url.path, filters)
        self.request = PageRequest(limit, decode_cursor(cursor, self._scope) if cursor is not None else None)

    def listing(self, page: Page[T], make: Callable[[T], M]) -> Listing[M]:
        cursor = encode_cursor(page.next, self._scope) if page.next is not None else None
        return Listing(items=[make(item) for item in page.items], next_cursor=cursor)


Paged = Annotated[Paging, Depends()]


def client_address(request: Request) -> str:
    """Where the request comes from, as far as the server was told."""
    return request.client.host if request.client else "unknown"


ClientAddress = Annotated[str, Depends(client_address)]


def base_url(request: Request, context: Ctx) -> str:
    """How this client reaches TaaS, without a slash at the end."""
    return (context.settings.public_url or str(request.base_url)).rstrip("/")


BaseUrl = Annotated[str, Depends(base_url)]

# A name in an address. What cannot be one is simply not found, so there is no pattern here.
NamePath = Annotated[str, Path(min_length=1, max_length=200)]


def _task(task: Annotated[str, Path(min_length=1, max_length=200, description="Such as worker-0.")]) -> TaskKey:
    try:
        return TaskKey.parse(task)
    except ValueError as exc:
        raise NotFound(f"{exc}.") from exc


TaskPath = Annotated[TaskKey, Depends(_task)]
