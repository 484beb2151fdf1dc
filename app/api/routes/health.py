"""/healthz, /readyz and /metrics, for machines that look after this process."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app.api.deps import Ctx
from app.errors import Unavailable

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process runs."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(context: Ctx, everything: Annotated[bool, Query(alias="all")] = False) -> JSONResponse:
    """Whether requests can be answered, and each thing that is not ready in words.

    What only trainings need (a worker, the cluster) is told too, but counts only with `?all=true`: pages and records
    are of use without it.
    """
    checks = await context.health.checks()
    ready = all(check.ok for check in checks if check.required or everything)
    body = {
        "ready": ready,
        "checks": [{"name": c.name, "ok": c.ok, "required": c.required, "detail": c.detail} for c in checks],
    }
    return JSONResponse(body, status_code=200 if ready else 503)


@router.get("/metrics")
async def metrics(context: Ctx) -> Response:
    """In Prometheus' text format. What only the database knows is left as it was while that does not answer."""
    with suppress(Unavailable):
        await context.figures.show()
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
