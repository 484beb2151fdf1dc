"""How much of each resource a node could give: what people should know before they ask for some of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from app.domain.cluster import READY, ClusterNode, shares


@dataclass(frozen=True, slots=True)
class Room:
    """Of one resource: the most that one node has, the most that one ready node has free, and all that is free."""

    largest: Decimal
    largest_free: Decimal
    free: Decimal


def room_of(nodes: Iterable[ClusterNode]) -> dict[str, Room]:
    """By resource, over all nodes; what cordoned ones have free is for nobody."""
    found: dict[str, Room] = {}
    for node in nodes:
        for name, share in shares(node).items():
            before = found.get(name, Room(Decimal(0), Decimal(0), Decimal(0)))
            free = share.free if node.ready == READY else Decimal(0)
            found[name] = Room(
                max(before.largest, share.allocatable), max(before.largest_free, free), before.free + free
            )
    return found
