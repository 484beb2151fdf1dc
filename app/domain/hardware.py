"""Curves of a training's hardware: what Prometheus is asked, so that its answer stays small for any training.

The names are those of cAdvisor (in every kubelet) and of NVIDIA's DCGM exporter:
https://github.com/google/cadvisor/blob/master/docs/storage/prometheus.md
https://github.com/NVIDIA/dcgm-exporter
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.training import TaskKey

MOST_POINTS = 500
MOST_TASKS = 20
"""A training with more tasks is shown by role: the highest of its tasks at each moment."""
SHORTEST_STEP = 5
"""Seconds; few scrape more often."""
_SEEN_SECONDS = 120  # in so long there are two scrapes of a minute or less
_LONG_STEP = 60


class HardwareMetric(StrEnum):
    """What may be drawn."""

    CPU = "cpu"
    MEMORY = "memory"
    NETWORK_IN = "network_in"
    NETWORK_OUT = "network_out"
    GPU = "gpu"


class Per(StrEnum):
    """What a curve stands for."""

    TASK = "task"
    ROLE = "role"


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when, and how far apart the points are, in seconds."""

    begin: datetime
    end: datetime
    step: int


@dataclass(frozen=True, slots=True)
class HardwareCurve:
    """One task (all its tries) or role; `times` are Unix seconds, a value is None where it is no number."""

    name: str
    times: tuple[float, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class HardwareCurves:
    """A metric of a training; CPU in cores, memory in bytes, network in bytes a second, GPU in percent."""

    metric: HardwareMetric
    per: Per
    window: Window
    curves: tuple[HardwareCurve, ...]


def window(begin: datetime, end: datetime) -> Window:
    """With at most `MOST_POINTS` points, both ends among them."""
    end = max(end, begin + timedelta(seconds=1))
    step = max(SHORTEST_STEP, math.ceil((end - begin).total_seconds() / (MOST_POINTS - 1)))
    return Window(begin, end, step)


def query(metric: HardwareMetric, namespace: str, per: Per, step: int, task: TaskKey | None = None) -> str:
    """PromQL for one curve a task or role, or of that one task only.

    Pods are named `<role>-<index>-<five characters>`: the labels `task` and `role` are made of that.
    """
    by_pod = _by_pod(metric, namespace, f"{task or '.+'}-[a-z0-9]+", step)
    if per is Per.TASK:
        return f'sum by (task) (label_replace({by_pod}, "task", "$1", "pod", "(.+)-[a-z0-9]+"))'
    return f'max by (role) (label_replace({by_pod}, "role", "$1", "pod", "(.+)-[0-9]+-[a-z0-9]+"))'


def _by_pod(metric: HardwareMetric, namespace: str, pods: str, step: int) -> str:
    where = f'namespace="{namespace}",pod=~"{pods}"'
    match metric:
        case HardwareMetric.CPU:
            counted = f"container_cpu_usage_seconds_total{{{where},{_CONTAINERS}}}"
            return f"sum by (pod) ({_growth(counted, step)})"
        case HardwareMetric.MEMORY:
            return f"sum by (pod) (container_memory_working_set_bytes{{{where},{_CONTAINERS}}})"
        case HardwareMetric.NETWORK_IN | HardwareMetric.NETWORK_OUT:
            way = "receive" if metric is HardwareMetric.NETWORK_IN else "transmit"
            name = f"container_network_{way}_bytes_total"
            counted = f'{name}{{{where},interface!="lo"}}'
            return f"sum by (pod) ({_growth(counted, step)})"
        case HardwareMetric.GPU:
            exported = f'exported_namespace="{namespace}",exported_pod=~"{pods}"'
            renamed = f'label_replace({_GPU}{{{exported}}}, "pod", "$1", "exported_pod", "(.+)")'
            return f"avg by (pod) ({_GPU}{{{where}}} or {renamed})"


def _growth(counter: str, step: int) -> str:
    """Of a counter, a second. Between close points its last growth: a mean over minutes would hide a task's beginning,
    and a short task whole. Between far ones the mean, as the last growth alone would be chance."""
    if step < _LONG_STEP:
        return f"irate({counter}[{_SEEN_SECONDS}s])"
    return f"rate({counter}[{max(_SEEN_SECONDS, 2 * step)}s])"


_CONTAINERS = 'container!="",container!="POD"'
"""Without the sums over a pod, and without the container that only holds its network."""
_GPU = "DCGM_FI_DEV_GPU_UTIL"
"""Its exporter may carry the labels of its own pod: then Prometheus calls those of what is measured `exported_…`."""
