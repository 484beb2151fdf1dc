"""Bodies of /trainings/{id}/hardware."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.api.schemas.base import Moment, Output
from app.domain.hardware import HardwareCurves, HardwareMetric, Per


class HardwareCurveOut(Output):
    name: Annotated[str, Field(description="Such as worker-0, or a role.")]
    times: Annotated[tuple[float, ...], Field(description="Unix seconds.")]
    values: tuple[float | None, ...]


class HardwareOut(Output):
    """CPU in cores, memory in bytes, network in bytes a second, GPU in percent."""

    metric: HardwareMetric
    per: Annotated[Per, Field(description="role: the training has many tasks; each moment is its highest task's.")]
    begin: Moment
    end: Moment
    step: Annotated[int, Field(description="Seconds between two points.")]
    items: tuple[HardwareCurveOut, ...]

    @classmethod
    def of(cls, found: HardwareCurves) -> HardwareOut:
        return cls(
            metric=found.metric,
            per=found.per,
            begin=found.window.begin,
            end=found.window.end,
            step=found.window.step,
            items=tuple(HardwareCurveOut.model_validate(curve) for curve in found.curves),
        )
