"""How much a serving is asked, and by whom it is answered: from what its balancers count."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.domain.endpoints.serving_names import CANARY, LIVE

_PROTOCOLS = ("rest", "grpc")


@dataclass(frozen=True, slots=True)
class ReplicaTraffic:
    """One replica's part since its balancers started. `latency_ms` is the mean of its last answers, None: no answer."""

    address: str
    slot: str
    requests: int
    failed: int
    latency_ms: float | None
    share: float  # of the slot's requests, 0 to 1


@dataclass(frozen=True, slots=True)
class Traffic:
    """What all balancers together have counted; `per_second` is of the last second, `failed` counts answers 5xx."""

    per_second: Mapping[str, int]  # by protocol
    requests: int
    failed: int
    latency_ms: float | None
    slots: Mapping[str, int]
    replicas: tuple[ReplicaTraffic, ...]


@dataclass(slots=True)
class _Sum:
    requests: int = 0
    failed: int = 0
    weighted_ms: float = 0.0
    weight: int = 0


def traffic(tables: Iterable[str]) -> Traffic:
    """From one table of HAProxy's statistics (CSV) for each balancer. Raises ValueError when one is no such table."""
    per_second = dict.fromkeys(_PROTOCOLS, 0)
    sums: dict[tuple[str, str], _Sum] = defaultdict(_Sum)
    for table in tables:
        if not table.startswith("# "):
            raise ValueError("That is not a table of HAProxy's statistics.")
        for row in csv.DictReader(table.removeprefix("# ").splitlines()):
            proxy, server = row["pxname"], row["svname"]
            if server == "FRONTEND" and proxy in _PROTOCOLS:
                per_second[proxy] += _whole(row["req_rate"])
            protocol, _, slot = proxy.partition("-")
            if protocol in _PROTOCOLS and slot in (LIVE, CANARY) and row.get("addr") and server != "BACKEND":
                if row["status"].startswith("MAINT") and not _whole(row["stot"]):
                    continue  # a place that nobody has
                _add(sums[(slot, row["addr"].rpartition(":")[0])], row)
    return _summed(per_second, sums)


def _add(total: _Sum, row: Mapping[str, str]) -> None:
    answered = _whole(row["req_tot"]) or _whole(row["stot"])
    total.requests += answered
    total.failed += _whole(row["hrsp_5xx"])
    weight = min(answered, 1024)  # HAProxy's mean is of so many
    total.weighted_ms += _whole(row["ttime"]) * weight
    total.weight += weight


def _summed(per_second: Mapping[str, int], sums: Mapping[tuple[str, str], _Sum]) -> Traffic:
    slots: dict[str, int] = defaultdict(int)
    for (slot, _), one in sums.items():
        slots[slot] += one.requests
    weight = sum(one.weight for one in sums.values())
    return Traffic(
        per_second=per_second,
        requests=sum(slots.values()),
        failed=sum(one.failed for one in sums.values()),
        latency_ms=sum(one.weighted_ms for one in sums.values()) / weight if weight else None,
        slots=dict(slots),
        replicas=tuple(
            ReplicaTraffic(
                address=address,
                slot=slot,
                requests=one.requests,
                failed=one.failed,
                latency_ms=one.weighted_ms / one.weight if one.weight else None,
                share=one.requests / slots[slot] if slots[slot] else 0.0,
            )
            for (slot, address), one in sorted(sums.items(), key=lambda item: (item[0][0] != LIVE, item[0][1]))
        ),
    )


def _whole(text: str | None) -> int:
    return int(text) if text else 0
