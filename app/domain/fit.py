"""Whether the tasks of a training would find room on the cluster's nodes: now, later, or never.

What is said is safe to act on: `NOW` only when places for all tasks have been found, `NEVER` only when it is proven
that the nodes there are could not hold them even if nothing else ran. Everything between them is `WAITS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import islice, permutations, product

from app.domain import fit_words
from app.domain.cluster import READY, ClusterNode, Taint
from app.domain.project import Role, RunSpec, Toleration
from app.domain.quantity import parse

PACKINGS = 4_000
"""How many nodes are looked at in all: on a small cluster every order of the roles is tried, on a large one a few."""

_BLOCKING = ("NoSchedule", "NoExecute")


class Verdict(StrEnum):
    """When the tasks would find room; `unknown` while no worker has seen a node."""

    NOW = "now"
    WAITS = "waits"
    NEVER = "never"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Demand:
    """The tasks of a role, and what each needs of a node, in base units."""

    role: str
    count: int
    needs: Mapping[str, Decimal]
    node_selector: Mapping[str, str]
    tolerations: tuple[Toleration, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """The answer: `message` says why in one sentence, `placed` how many tasks of each role find room now."""

    verdict: Verdict
    message: str
    placed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Place:
    """A node in numbers, and which roles may run there."""

    name: str
    ready: bool
    allocatable: Mapping[str, Decimal]
    free: Mapping[str, Decimal]
    roles: frozenset[str]


def demands_of(run: RunSpec, gpu_resource: str) -> tuple[Demand, ...]:
    """What the pods of a training ask of nodes, as its manifests say it. The quantities must be valid."""
    return tuple(_demand(name, run.roles[name], gpu_resource) for name in run.role_names)


def fit(demands: Sequence[Demand], nodes: Iterable[ClusterNode], *, gpu_resource: str) -> Fit:
    """Would all tasks run at once on these nodes, beside what is requested of them already?"""
    places = [_place(node, demands) for node in nodes]
    if not places:
        return Fit(Verdict.UNKNOWN, fit_words.NO_NODES, {})
    words = fit_words.Words(gpu_resource)
    if never := next(_impossible(demands, places, words), None):
        return Fit(Verdict.NEVER, never, {})
    placed = _best(demands, [place for place in places if place.ready])
    if all(placed[demand.role] == demand.count for demand in demands):
        return Fit(Verdict.NOW, words.now(sum(demand.count for demand in demands)), placed)
    short = _shortages(demands, [place for place in places if place.ready])
    left = {demand.role: (demand.count - placed[demand.role], demand.count) for demand in demands}
    absent = sum(not place.ready for place in places)
    return Fit(Verdict.WAITS, words.waits(short, left, absent), placed)


def tolerated(taint: Taint, tolerations: Iterable[Toleration]) -> bool:
    """Whether a taint keeps nobody with these tolerations away."""
    if taint.effect not in _BLOCKING:
        return True
    return any(
        (not one.effect or one.effect == taint.effect)
        and (not one.key or one.key == taint.key)
        and (one.operator == "Exists" or one.value == taint.value)
        for one in tolerations
    )


def _demand(name: str, role: Role, gpu_resource: str) -> Demand:
    given = role.resources
    needs = {"cpu": parse(given.cpu), "memory": parse(given.memory), "pods": Decimal(1)}
    if given.ephemeral_storage is not None:
        needs["ephemeral-storage"] = parse(given.ephemeral_storage)
    tolerations = role.tolerations
    if given.gpu:
        needs[gpu_resource] = Decimal(given.gpu)
        tolerations = (*tolerations, Toleration(key=gpu_resource, operator="Exists", effect="NoSchedule"))
    return Demand(name, role.count, needs, role.node_selector, tolerations)


def _place(node: ClusterNode, demands: Sequence[Demand]) -> _Place:
    allocatable = {name: parse(amount) for name, amount in node.allocatable.items()}
    requested = {name: parse(amount) for name, amount in node.requested.items()}
    return _Place(
        name=node.name,
        ready=node.ready == READY,
        allocatable=allocatable,
        free={name: amount - requested.get(name, Decimal(0)) for name, amount in allocatable.items()},
        roles=frozenset(demand.role for demand in demands if _may_run(demand, node)),
    )


def _may_run(demand: Demand, node: ClusterNode) -> bool:
    if any(node.labels.get(key) != value for key, value in demand.node_selector.items()):
        return False
    return all(tolerated(taint, demand.tolerations) for taint in node.taints)


def _impossible(demands: Sequence[Demand], places: Sequence[_Place], words: fit_words.Words) -> Iterator[str]:
    """Each proof that the nodes there are cannot hold it; nodes that do not answer or are cordoned may come back."""
    for demand in demands:
        open_to = [place for place in places if demand.role in place.roles]
        if not open_to:
            yield words.nowhere(demand.role, demand.node_selector)
            continue
        for resource, need in demand.needs.items():
            most = max(place.allocatable.get(resource, Decimal(0)) for place in open_to)
            if most < need:
                yield words.too_large(demand.role, resource, need, most)
        room = sum(_room(demand, place.allocatable) for place in open_to)
        if room < demand.count:
            yield words.too_many(demand.role, demand.count, room)
    used = [place for place in places if place.roles]
    for resource, need in _total(demands).items():
        there = sum((place.allocatable.get(resource, Decimal(0)) for place in used), Decimal(0))
        if there < need:
            yield words.too_much(resource, need, there)


def _best(demands: Sequence[Demand], places: Sequence[_Place]) -> dict[str, int]:
    """How many tasks of each role found a place, in the packing that placed the most."""
    ways = product(permutations(sorted(demands, key=_weight, reverse=True)), (False, True))
    tries = max(1, PACKINGS // max(1, len(places) * len(demands)))
    wanted = sum(demand.count for demand in demands)
    best: dict[str, int] = {}
    for order, spread in islice(ways, tries):
        placed = _pack(order, places, spread=spread)
        if not best or sum(placed.values()) > sum(best.values()):
            best = placed
        if sum(best.values()) == wanted:
            break
    return best


def _pack(order: Iterable[Demand], places: Sequence[_Place], *, spread: bool) -> dict[str, int]:
    """Role by role, each onto the nodes with the least (`spread`: the most) room for it; devices are left to others."""
    free = {place.name: dict(place.free) for place in places}
    placed: dict[str, int] = {}
    for demand in order:
        rooms = [(_room(demand, free[place.name]), place) for place in places if demand.role in place.roles]
        rooms.sort(key=lambda one: (_spared(demand, one[1]), -one[0] if spread else one[0], one[1].name))
        left = demand.count
        for room, place in rooms:
            here = min(room, left)
            left -= here
            for resource, need in demand.needs.items() if here else ():
                free[place.name][resource] -= need * here
        placed[demand.role] = demand.count - left
    return placed


def _room(demand: Demand, free: Mapping[str, Decimal]) -> int:
    """How many of its tasks fit into what is free on one node, as far as it matters."""
    rooms = [int(max(free.get(resource, Decimal(0)), Decimal(0)) // need) for resource, need in demand.needs.items()]
    return min(*rooms, demand.count)


def _spared(demand: Demand, place: _Place) -> int:
    """Nodes with devices that the role does not ask for come last."""
    return sum("/" in name and amount > 0 and name not in demand.needs for name, amount in place.allocatable.items())


def _weight(demand: Demand) -> tuple[int, int, Decimal, Decimal]:
    devices = sum("/" in resource for resource in demand.needs)
    return len(demand.node_selector), devices, demand.needs["memory"], demand.needs["cpu"]


def _shortages(demands: Sequence[Demand], places: Sequence[_Place]) -> dict[str, Decimal]:
    """By resource, how much is missing in sum: to all roles together, or to one of them on the nodes open to it."""
    short: dict[str, Decimal] = {}
    for group in (demands, *([demand] for demand in demands)):
        roles = {demand.role for demand in group}
        for resource, need in _total(group).items():
            free = (max(place.free.get(resource, Decimal(0)), Decimal(0)) for place in places if place.roles & roles)
            missing = need - sum(free, Decimal(0))
            if missing > short.get(resource, Decimal(0)):
                short[resource] = missing
    return short


def _total(demands: Iterable[Demand]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for demand in demands:
        for resource, need in demand.needs.items():
            total[resource] = total.get(resource, Decimal(0)) + need * demand.count
    return total
