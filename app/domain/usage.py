"""What tasks use of CPU and memory, sampled now and then, beside what they were given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal
from enum import StrEnum

from app.domain import quantity
from app.domain.project import Resources

LARGEST = 2**63 - 1
"""What the column holds; nothing real is as much."""
NEAR = 0.9
"""From this share of its limit on, memory is called nearly used up."""
FEW_SAMPLES = 10
"""A program that has just begun reads its data: fewer samples say nothing about what it asks for in vain."""
_QUARTER = 4
_WORTH_IT = 500  # millicores that asking for less would free


@dataclass(frozen=True, slots=True)
class PodUsage:
    """One sample of a pod: CPU in millicores (thousandths of a core), memory (its working set) in bytes."""

    namespace: str
    pod: str
    cpu: int
    memory: int
    at: datetime


@dataclass(frozen=True, slots=True)
class TaskUsage:
    """The newest sample of a task, taken of its try `attempt`, and the most that any sample of all its tries said."""

    attempt: int
    cpu: int
    memory: int
    cpu_peak: int
    memory_peak: int
    samples: int
    sampled_at: datetime


class UsageHint(StrEnum):
    """What the figures suggest to change."""

    MEMORY_NEAR_LIMIT = "memory_near_limit"
    CPU_FAR_UNDER_REQUEST = "cpu_far_under_request"


@dataclass(frozen=True, slots=True)
class MeasuredTask:
    """A task's usage beside what it was given; CPU in millicores, memory in bytes.

    `now` is only known while it runs and is sampled. Peaks are lower bounds: what is between two samples is not seen.
    """

    cpu_now: int | None
    cpu_peak: int
    cpu_request: int
    cpu_limit: int | None
    memory_now: int | None
    memory_peak: int
    memory_limit: int
    sampled_at: datetime
    hints: tuple[UsageHint, ...]

    @property
    def cpu_given(self) -> int:
        """What its CPU is compared with: the limit, or without one the request, which it may exceed."""
        return self.cpu_request if self.cpu_limit is None else self.cpu_limit


@dataclass(frozen=True, slots=True)
class Measuring:
    """How the sampling goes: when it last worked, and what keeps it from working (empty: nothing)."""

    sampled_at: datetime | None = None
    problem: str = ""


def measured(usage: TaskUsage, given: Resources, *, running_attempt: int | None, fresh_since: datetime) -> MeasuredTask:
    """`running_attempt` is the try that runs now, None when none does; older samples than `fresh_since` are not now."""
    now = usage.attempt == running_attempt and usage.sampled_at >= fresh_since
    request, memory = millicores(given.cpu), whole_bytes(given.memory)
    return MeasuredTask(
        cpu_now=usage.cpu if now else None,
        cpu_peak=usage.cpu_peak,
        cpu_request=request,
        cpu_limit=None if given.cpu_limit is None else millicores(given.cpu_limit),
        memory_now=usage.memory if now else None,
        memory_peak=usage.memory_peak,
        memory_limit=memory,
        sampled_at=usage.sampled_at,
        hints=tuple(_hints(usage, request, memory)),
    )


def fresh_for(every: timedelta) -> timedelta:
    """How old a sample may be and still be called now: metrics-server itself looks once a minute unless told."""
    return max(3 * every, timedelta(minutes=3))


def millicores(text: str) -> int:
    """Of a quantity of CPU, rounded up. Raises ValueError when `text` is none."""
    return _whole(quantity.parse(text) * 1000)


def whole_bytes(text: str) -> int:
    """Of a quantity of memory, rounded up. Raises ValueError when `text` is none."""
    return _whole(quantity.parse(text))


def _whole(value: Decimal) -> int:
    return min(int(value.to_integral_value(ROUND_UP)), LARGEST)


def _hints(usage: TaskUsage, request: int, memory: int) -> list[UsageHint]:
    found = []
    if usage.memory_peak >= NEAR * memory:
        found.append(UsageHint.MEMORY_NEAR_LIMIT)
    spare = request - usage.cpu_peak
    if usage.samples >= FEW_SAMPLES and spare >= _WORTH_IT and usage.cpu_peak * _QUARTER < request:
        found.append(UsageHint.CPU_FAR_UNDER_REQUEST)
    return found
