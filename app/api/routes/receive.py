"""POST /hooks/{token}: what pipelines call. No login, no session: the token in the address is all there is."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from app.api.deps import BaseUrl, ClientAddress, Ctx
from app.domain.delivered import BODY_MAX
from app.errors import TooLarge

# Not in the OpenAPI document, which is about the API of people and their tokens; docs/triggers.md describes it.
router = APIRouter(include_in_schema=False)


@router.post("/hooks/{token}")
async def receive_delivery(
    token: str, request: Request, context: Ctx, address: ClientAddress, base: BaseUrl
) -> JSONResponse:
    """Start a training: 202 with its address, and the same answer again for the same delivery id."""

    async def read() -> bytes:
        return await _bounded(request)

    answer = await context.hook_calls.receive(
        token, address=address, headers=dict(request.headers), read=read, base=base
    )
    headers = {"Location": f"/api/v1/trainings/{answer.training_id}"} if answer.training_id else {}
    if answer.again:
        headers["Idempotent-Replayed"] = "true"
    # The database keeps an object's fields in an order of its own; a repeated answer is the same to the byte.
    return JSONResponse(dict(sorted(answer.body.items())), status_code=answer.status, headers=headers)


async def _bounded(request: Request) -> bytes:
    """The body, given up as soon as it is over the limit. Raises `TooLarge`."""
    taken = bytearray()
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared[:20]) > BODY_MAX:
        raise _too_large()
    async for part in request.stream():
        taken += part
        if len(taken) > BODY_MAX:
            raise _too_large()
    return bytes(taken)


def _too_large() -> TooLarge:
    return TooLarge(f"A delivery may have at most {BODY_MAX // 1024} KiB. Send where the data is, not the data.")
