"""The cluster's nodes, as far as trainings and the cluster page need them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from app.domain.cluster import Taint
from app.k8s import objects, translate


@dataclass(frozen=True, slots=True)
class SeenNode:
    """A node and what it has to give, in Kubernetes quantities. `ready` is yes, no or cordoned.

    `boot_id` is that of the machine when it last wrote its status, at `reported_at`.
    """

    name: str
    ready: str
    allocatable: dict[str, str]
    labels: dict[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    boot_id: str = ""
    reported_at: datetime | None = None


class Nodes:
    """`changed` is called with a node's name when it begins or ceases to answer."""

    def __init__(self, changed: Callable[[str], None]) -> None:
        self.not_ready: dict[str, datetime] = {}
        self._nodes: dict[str, SeenNode] = {}
        self._tell = changed

    def all(self) -> list[SeenNode]:
        return sorted(self._nodes.values(), key=lambda node: node.name)

    def replaced(self, items: list[objects.Node], _version: int) -> None:
        listed = {item.metadata.name for item in items}
        for name in set(self._nodes) - listed:
            self._forget(name)
        for item in items:
            self.changed(item, False)

    def changed(self, item: objects.Node, deleted: bool) -> None:
        name = item.metadata.name
        if deleted:
            return self._forget(name)
        since = translate.not_ready_since(item)
        ready = "no" if since else "cordoned" if item.spec.unschedulable else "yes"
        taints = tuple(Taint(one.key, one.value, one.effect) for one in item.spec.taints or ())
        self._nodes[name] = SeenNode(
            name,
            ready,
            item.status.allocatable,
            item.metadata.labels,
            taints,
            boot_id=item.status.node_info.boot_id,
            reported_at=translate.reported_at(item),
        )
        if since == self.not_ready.get(name):
            return
        if since is None:
            self.not_ready.pop(name, None)
        else:
            self.not_ready[name] = since
        self._tell(name)

    def _forget(self, name: str) -> None:
        self._nodes.pop(name, None)
        if self.not_ready.pop(name, None) is not None:
            self._tell(name)
