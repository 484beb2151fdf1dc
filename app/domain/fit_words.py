"""The sentences that say whether a training would find room, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_DOWN, ROUND_UP, Decimal

from app.domain import quantity

NO_NODES = "No worker has seen the nodes of a cluster yet, so nobody can say whether it would find room."


class Words:
    """`gpu_resource` is what the cluster calls the devices that are asked for as GPUs."""

    def __init__(self, gpu_resource: str) -> None:
        self._gpu = gpu_resource

    def now(self, tasks: int) -> str:
        return "The task fits now." if tasks == 1 else f"All {tasks:,} tasks fit now."

    def nowhere(self, role: str, selector: Mapping[str, str]) -> str:
        if not selector:
            return f"{role} can run on no node: each has a taint that it does not tolerate."
        labels = ", ".join(f"{key}={value}" for key, value in sorted(selector.items()))
        return f"{role} can run on no node: none has {labels} and no taint that it does not tolerate."

    def too_large(self, role: str, resource: str, need: Decimal, most: Decimal) -> str:
        largest = f"the most is {self.amount(resource, most, ROUND_DOWN)}" if most else "none has any"
        return f"No node has the {self.amount(resource, need)} that each {role} asks for; {largest}."

    def too_many(self, role: str, count: int, room: int) -> str:
        if not room:
            return f"No node has all that a {role} asks for at once."
        return f"Of {count:,} {role} tasks only {room:,} would find room, even if nothing else ran."

    def too_much(self, resource: str, need: Decimal, there: Decimal) -> str:
        has = self.amount(resource, there, ROUND_DOWN)
        return f"All tasks together ask for {self.amount(resource, need)}; the cluster has {has}."

    def waits(self, short: Mapping[str, Decimal], left: Mapping[str, tuple[int, int]], absent: int) -> str:
        """What is missing in sum; if nothing is, which tasks find no single node with room."""
        if short:
            missing = _list(self.amount(resource, amount) for resource, amount in short.items())
            sentence = f"It waits for room: {missing} short."
        else:
            roles = _list(f"{none:,} of {count:,} {role}" for role, (none, count) in left.items() if none)
            sentence = f"It waits for room: there is enough in sum, but no single node has room for {roles}."
        if absent:
            sentence += f" {absent:,} node{' takes' if absent == 1 else 's take'} no new tasks at the moment."
        return sentence

    def amount(self, resource: str, value: Decimal, rounding: str = ROUND_UP) -> str:
        """`2 GPUs`, `3.5 cores`, `96 GiB of memory`."""
        match resource:
            case "cpu":
                return f"{_plain(value)} core{'' if value == 1 else 's'}"
            case "memory":
                return f"{quantity.in_bytes(value, rounding)} of memory"
            case "ephemeral-storage":
                return f"{quantity.in_bytes(value, rounding)} of scratch space"
            case "pods":
                return f"{_plain(value)} pod{'' if value == 1 else 's'}"
            case self._gpu:
                return f"{_plain(value)} GPU{'' if value == 1 else 's'}"
        return f"{_plain(value)} {resource}"


def queued(running: int, limit: int, position: int, *, of_project: bool) -> str:
    """Which limit would hold a new training back, and where in the queue it would stand."""
    if running == limit == 1:
        whose = "training of this project" if of_project else "training"
        return f"Another {whose} runs or is about to, and only one may: it would be number {position:,} in the queue."
    whose = "trainings of this project" if of_project else "trainings"
    return (
        f"{running:,} of at most {limit:,} {whose} run or are about to: it would be number {position:,} in the queue."
    )


def _plain(value: Decimal) -> str:
    return f"{value.quantize(Decimal('0.001')).normalize():f}"


def _list(parts: Iterable[str]) -> str:
    words = list(parts)
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
