"""/example: a training to begin with."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from app.api.deps import Ctx, Me
from app.api.idempotency import Made, Once
from app.api.problems import documented
from app.api.schemas.trainings import TrainingOut

router = APIRouter(prefix="/example", tags=["trainings"])


@router.post("", status_code=202, response_model=TrainingOut, responses=documented(409))
async def start_example(me: Me, context: Ctx, once: Once) -> Response:
    """Upload the example and make its project where they are missing, and start it."""

    async def start() -> Made:
        record = await context.example.start(me)
        return Made(TrainingOut.of(record), 202, {"Location": f"/api/v1/trainings/{record.training.id}"})

    return await once.answer(start)
