"""What a training uses of its hardware over time, as the installation's Prometheus knows it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.api.deps import Ctx, Me
from app.api.problems import documented
from app.api.schemas.hardware import HardwareOut
from app.domain.hardware import HardwareMetric
from app.domain.training import TaskKey
from app.errors import NotFound

router = APIRouter(prefix="/trainings", tags=["metrics"])


@router.get("/{training_id:uuid}/hardware", responses=documented(404, 503))
async def get_hardware(
    training_id: UUID,
    me: Me,
    context: Ctx,
    metric: HardwareMetric,
    task: Annotated[str | None, Query(max_length=200, description="Such as worker-0; absent: all.")] = None,
) -> HardwareOut:
    """Curves of CPU, memory, network or GPU with at most 500 points each; needs TAAS_PROMETHEUS_URL."""
    try:
        key = TaskKey.parse(task) if task is not None else None
    except ValueError as exc:
        raise NotFound(f"{exc}.") from exc
    return HardwareOut.of(await context.hardware.curves(me, training_id, metric, key))
