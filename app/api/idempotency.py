"""The `Idempotency-Key` header of routes that create or start something.

@router.post("/things", status_code=202, responses=documented(409))
async def start_thing(body: ThingIn, me: Me, context: Ctx, once: Once) -> ThingOut:
    async def start() -> Created: …
    return await once.answer(start)   # declare `response_model=ThingOut` on the route
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from app.api.deps import Ctx, Me
from app.api.schemas.base import VISIBLE_ASCII
from app.services.idempotency import Answer

_Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=VISIBLE_ASCII,
        description="Makes it safe to send the request again: the first answer is repeated.",
    ),
]


@dataclass(frozen=True)
class Made:
    """What a route made: the body to answer with, and headers such as Location."""

    body: BaseModel
    status: int = 201
    headers: dict[str, str] = field(default_factory=dict)


class OnceOnly:
    """Runs the work of a route at most once for each key; without a key, simply runs it."""

    def __init__(self, request: Request, me: Me, context: Ctx, key: _Key = None) -> None:
        self._request = request
        self._me = me
        self._context = context
        self._key = key

    async def answer(self, work: Callable[[], Awaitable[Made]]) -> Response:
        async def render() -> Answer:
            made = await work()
            return Answer(made.status, made.headers, made.body.model_dump_json().encode())

        if self._key is None:
            return _response(await render(), again=False)
        path = self._request.url.path
        answer, again = await self._context.idempotency.once(
            self._me,
            route=f"{self._request.method} {path}",
            key=self._key,
            fingerprint=hashlib.sha256(self._request.url.query.encode() + b"\0" + await self._request.body()).digest(),
            work=render,
        )
        return _response(answer, again=again)


Once = Annotated[OnceOnly, Depends()]


def _response(answer: Answer, *, again: bool) -> Response:
    headers = {**answer.headers, **({"Idempotent-Replayed": "true"} if again else {})}
    return Response(answer.body, status_code=answer.status, headers=headers, media_type="application/json")
