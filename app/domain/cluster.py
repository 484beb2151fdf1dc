"""The cluster as a worker last saw it: what nodes give, what is asked of them, who holds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.domain import quantity
from app.domain.training import NamespaceState, State

Amounts = Mapping[str, str]
READY = "yes"
NOT_READY = "no"
# By which people say that a machine is off: https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
# Such as nvidia.com/gpu.product and amd.com/gpu.product-name.
DEVICE_LABELS = ("/gpu.product", "/gpu.product-name")
# In this order on every page; extended resources, such as GPUs, follow.
PLAIN = ("cpu", "memory", "pods")


@dataclass(frozen=True, slots=True)
class Holder:
    """A training that has tasks on a node."""

    id: UUID
    project: str
    number: int
    state: State
    tasks: int


@dataclass(frozen=True, slots=True)
class Taint:
    """What keeps pods away from a node that do not tolerate it, in Kubernetes' words."""

    key: str
    value: str = ""
    effect: str = ""


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """A node; `ready` is yes, no or cordoned, `used` None where nobody measures it."""

    name: str
    ready: str
    allocatable: Amounts
    requested: Amounts
    used: Amounts | None
    observed_at: datetime
    holders: tuple[Holder, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()

    @property
    def device(self) -> str:
        """Which kind of device it has, as the makers' device plugins label nodes; empty when none says so."""
        return next((value for key, value in sorted(self.labels.items()) if key.endswith(DEVICE_LABELS)), "")


@dataclass(frozen=True, slots=True)
class Share:
    """One resource, in base units: cores, bytes, pods, devices."""

    allocatable: Decimal
    requested: Decimal
    used: Decimal | None

    @property
    def free(self) -> Decimal:
        """What may still be asked for."""
        return max(self.allocatable - self.requested, Decimal(0))


@dataclass(frozen=True, slots=True)
class ClusterView:
    """All nodes, their sums, and how many trainings and namespaces there are of each kind."""

    nodes: tuple[ClusterNode, ...]
    queued: int
    namespaces: int
    stuck: int
    orphans: int = 0

    @property
    def observed_at(self) -> datetime | None:
        """When a worker last wrote what it saw; None while there is nothing to tell."""
        return min((node.observed_at for node in self.nodes), default=None)

    @property
    def totals(self) -> dict[str, Share]:
        """Over the nodes that take new tasks."""
        return total(shares(node) for node in self.nodes if node.ready == READY)


@dataclass(frozen=True, slots=True)
class HeldNamespace:
    """A training's namespace that is there or being deleted; `message`: why its deletion is stuck."""

    namespace: str
    namespace_state: NamespaceState
    message: str
    id: UUID
    project: str
    number: int
    state: State
    made_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A training in the queue, and the sentence that says what it waits for."""

    id: UUID
    project: str
    number: int
    tasks: int
    created_by: str
    created_at: datetime
    message: str


def shares(node: ClusterNode) -> dict[str, Share]:
    """What a node has of CPU, memory, pods and each kind of device."""
    devices = sorted(name for name in node.allocatable if "/" in name and not name.startswith("hugepages"))
    return {
        name: Share(
            _amount(node.allocatable, name),
            _amount(node.requested, name),
            _amount(node.used, name) if node.used is not None and name in node.used else None,
        )
        for name in (*PLAIN, *devices)
        if name in node.allocatable
    }


def total(parts: Iterable[Mapping[str, Share]]) -> dict[str, Share]:
    """The sums; what is used is known only where every part knows it."""
    found: dict[str, Share] = {}
    for part in parts:
        for name, share in part.items():
            before = found.get(name)
            if before is None:
                found[name] = share
                continue
            known = before.used is not None and share.used is not None
            used = (before.used or Decimal(0)) + (share.used or Decimal(0)) if known else None
            found[name] = Share(before.allocatable + share.allocatable, before.requested + share.requested, used)
    return {name: found[name] for name in sorted(found, key=_order)}


def _order(name: str) -> tuple[int, str]:
    return (PLAIN.index(name) if name in PLAIN else len(PLAIN), name)


def _amount(amounts: Amounts, name: str) -> Decimal:
    return quantity.parse(amounts[name]) if name in amounts else Decimal(0)
