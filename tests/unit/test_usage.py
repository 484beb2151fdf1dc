"""What tasks use: the metrics API's quantities, what is called now, and what the figures suggest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from app.domain.project import Resources
from app.domain.usage import LARGEST, TaskUsage, UsageHint, fresh_for, measured, millicores, whole_bytes
from app.errors import ClusterError
from app.k8s.usage import read
from app.ui.filters import cores, share

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
LONG_AGO = NOW - timedelta(minutes=3)
GI = 1024**3


def pods(*containers: dict[str, str], **fields: object) -> bytes:
    metadata = {"name": "worker-0-x", "namespace": "taas-a-1-abcde"}
    item = {"metadata": metadata, "timestamp": "2026-11-24T03:00:00Z", "window": "15s", **fields}
    return msgspec.json.encode({"items": [item | {"containers": [{"name": "c", "usage": one} for one in containers]}]})


@pytest.mark.parametrize(
    ("cpu", "memory", "expected"),
    [
        ("1234567890n", "204800Ki", (1235, 204800 * 1024)),
        ("250m", "1Gi", (250, GI)),
        ("2", "1000", (2000, 1000)),
        ("1n", "1", (1, 1)),  # something is never shown as nothing
        ("0", "0", (0, 0)),
        ("1e99", "1E", (LARGEST, 10**18)),
    ],
)
def test_quantities_become_millicores_and_bytes(cpu: str, memory: str, expected: tuple[int, int]) -> None:
    (sample,) = read(pods({"cpu": cpu, "memory": memory}))
    assert (sample.cpu, sample.memory) == expected
    assert (sample.namespace, sample.pod, sample.at) == ("taas-a-1-abcde", "worker-0-x", NOW)


def test_a_pods_containers_are_added_up() -> None:
    (sample,) = read(pods({"cpu": "100m", "memory": "1Mi"}, {"cpu": "1", "memory": "1Mi"}, {"cpu": "5m"}))
    assert (sample.cpu, sample.memory) == (1105, 2 * 1024**2)


@pytest.mark.parametrize(
    "data", [b"<html>", b"[]", pods({"cpu": "much"}), pods({"cpu": "-1"}), pods(timestamp="yesterday")]
)
def test_another_answer_is_an_error_in_words(data: bytes) -> None:
    with pytest.raises(ClusterError, match="something else than pod metrics"):
        read(data)


def test_no_pods_are_no_samples() -> None:
    assert read(b'{"items":null}') == read(b'{"items":[]}') == []


def usage(**changes: object) -> TaskUsage:
    values = {"attempt": 1, "cpu": 900, "memory": GI // 2, "cpu_peak": 1500, "memory_peak": GI // 2, "samples": 20}
    return TaskUsage(**{**values, "sampled_at": NOW, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("running", "fresh_since", "now"),
    [(1, LONG_AGO, 900), (None, LONG_AGO, None), (2, LONG_AGO, None), (1, NOW + timedelta(seconds=1), None)],
)
def test_now_is_of_the_try_that_runs_and_of_a_fresh_sample(
    running: int | None, fresh_since: datetime, now: int | None
) -> None:
    found = measured(usage(), Resources(cpu="2", memory="1Gi"), running_attempt=running, fresh_since=fresh_since)
    assert found.cpu_now == now
    assert (found.memory_now is None) is (now is None)
    assert (found.cpu_peak, found.memory_peak, found.sampled_at) == (1500, GI // 2, NOW)


@pytest.mark.parametrize(("limit", "given"), [(None, 500), ("2", 2000)])
def test_cpu_is_compared_with_its_limit_or_else_its_request(limit: str | None, given: int) -> None:
    given_to_it = Resources(cpu="500m", cpu_limit=limit, memory="1Gi")
    found = measured(usage(), given_to_it, running_attempt=None, fresh_since=LONG_AGO)
    assert (found.cpu_request, found.cpu_given, found.memory_limit) == (500, given, GI)


@pytest.mark.parametrize(
    ("changes", "cpu", "hints"),
    [
        ({}, "2", []),
        ({"memory_peak": int(0.9 * GI) - 1}, "2", []),
        ({"memory_peak": int(0.9 * GI) + 1}, "2", [UsageHint.MEMORY_NEAR_LIMIT]),
        ({"memory_peak": 2 * GI, "samples": 1}, "2", [UsageHint.MEMORY_NEAR_LIMIT]),
        ({"cpu_peak": 499}, "2", [UsageHint.CPU_FAR_UNDER_REQUEST]),
        ({"cpu_peak": 500}, "2", []),
        ({"cpu_peak": 499, "samples": 9}, "2", []),  # it may still be reading its data
        ({"cpu_peak": 1}, "500m", []),  # little to gain
    ],
)
def test_hints(changes: dict[str, int], cpu: str, hints: list[UsageHint]) -> None:
    found = measured(usage(**changes), Resources(cpu=cpu, memory="1Gi"), running_attempt=None, fresh_since=LONG_AGO)
    assert list(found.hints) == hints


def test_how_long_a_sample_counts_as_now() -> None:
    assert fresh_for(timedelta(seconds=5)) == timedelta(minutes=3)
    assert fresh_for(timedelta(minutes=5)) == timedelta(minutes=15)


def test_what_is_given_is_rounded_up() -> None:
    assert (millicores("0.0001"), millicores("1.5"), whole_bytes("1.5Ki"), whole_bytes("0.1")) == (1, 1500, 1536, 1)


@pytest.mark.parametrize(
    ("given", "shown"),
    [(0, "0"), (4, "0.004"), (60, "0.06"), (250, "0.25"), (1900, "1.9"), (2000, "2"), (12_400, "12"), (20_000, "20")],
)
def test_cores_in_words(given: int, shown: str) -> None:
    assert cores(given) == shown


def test_shares_are_bounded() -> None:
    assert (share(1, 4), share(5, 1, 100), share(5, 0), share(50, 1)) == (25, 100, 0, 999)
