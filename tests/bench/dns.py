"""What trainings ask of the cluster's DNS, and what Services cost it: `python -m tests.bench.dns [training|services]`.

CoreDNS' own metrics tell, on the local cluster: queries, its processor time, its memory, how long it took to answer.
`training`: digits-ps with a chief, two workers and a ps, from its start to its end. `services`: one headless Service
with 1,000 addresses beside 1,000 Services with one, as a design with a Service for each task would make.
"""

from __future__ import annotations

import asyncio
import random
import re
import socket
import struct
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen
from uuid import uuid4

from tests.support.cluster import LocalCluster, local_cluster_for_tests
from tests.support.examples import in_state, make_project, start, upload_example
from tests.support.taas import TENSORFLOW_IMAGE, home_for_taas, taas_up

TASKS = 1_000
SLICE = 100
"""Addresses in an EndpointSlice, as the controller fills them."""
LOOKUPS = 5_000
AT_ONCE = 8
PATIENCE = 300.0
_LINE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.M)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Reading:
    """CoreDNS at one moment, in seconds and bytes."""

    queries: Counter[str]  # by type
    codes: Counter[str]
    buckets: Counter[float]
    cpu: float
    memory: float


def main(what: str) -> None:
    """Prints the figures."""
    with local_cluster_for_tests() as cluster:
        if what in ("", "training"):
            asyncio.run(_training(cluster))
        if what in ("", "services"):
            _services(cluster)


def read(cluster: LocalCluster) -> Reading:
    with urlopen(f"http://{cluster.instance.addresses.node}:9153/metrics", timeout=10) as answer:
        text = answer.read().decode()
    queries: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    buckets: Counter[float] = Counter()
    single: dict[str, float] = {}
    for name, labels, value in _LINE.findall(text):
        found = dict(_LABEL.findall(labels))
        if name == "coredns_dns_requests_total":
            queries[found["type"]] += int(float(value))
        elif name == "coredns_dns_responses_total":
            codes[found["rcode"]] += int(float(value))
        elif name == "coredns_dns_request_duration_seconds_bucket":
            buckets[float(found["le"].replace("+Inf", "inf"))] += int(float(value))
        elif not labels:
            single[name] = float(value)
    return Reading(
        queries, codes, buckets, single["process_cpu_seconds_total"], single["process_resident_memory_bytes"]
    )


def told(before: Reading, after: Reading) -> str:
    """What happened between two readings."""
    queries, codes = after.queries - before.queries, after.codes - before.codes
    total = sum(queries.values())
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in queries.most_common())
    wrong = ", ".join(f"{count:,} {code}" for code, count in codes.most_common() if code != "NOERROR")
    memory = (after.memory - before.memory) / 2**20
    return (
        f"{total:,} queries ({kinds or 'none'}{'; ' + wrong if wrong else ''}), {after.cpu - before.cpu:.2f} s of a "
        f"processor, {memory:+.1f} MiB, p99 {_p99(before, after)}"
    )


def _p99(before: Reading, after: Reading) -> str:
    """The bucket that 99 % of the answers are in, by CoreDNS' own histogram."""
    counts = {le: after.buckets[le] - before.buckets[le] for le in after.buckets}
    total = counts.get(float("inf"), 0)
    within = [le for le, count in sorted(counts.items()) if total and count >= 0.99 * total]
    return f"at most {within[0] * 1000:g} ms" if within else "of nothing"


async def _training(cluster: LocalCluster) -> None:
    with home_for_taas() as home:
        async with taas_up(home, cluster) as taas, taas.client() as client:
            image = {"name": "tf", "reference": TENSORFLOW_IMAGE, "framework": "tensorflow", "is_default": True}
            assert (await client.post("images", json=image)).status_code == 201
            await upload_example(client, "digits-ps")
            await make_project(client, "digits-ps", storage=None, keep_namespace="PT0S")
            before, began = read(cluster), time.monotonic()
            training = await start(client, "digits")
            await in_state(client, training, "running", "failed", within=PATIENCE)
            running = read(cluster)
            print(f"digits-ps until all tasks run: {told(before, running)}, {time.monotonic() - began:.0f} s")  # noqa: T201
            record = await in_state(client, training, "succeeded", "failed", "stopped", "timed_out", within=PATIENCE)
            print(f"digits-ps until it has {record['state']}: {told(before, read(cluster))}")  # noqa: T201


def _services(cluster: LocalCluster) -> None:
    for services in (1, TASKS):
        space = f"dns-{uuid4().hex[:6]}"
        cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": space}})
        before, began = read(cluster), time.monotonic()
        try:
            objects, names = _objects(space, services)
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(lambda made: cluster.call("POST", *made), objects))
            made = time.monotonic() - began
            for name in names[-3:]:
                _until(lambda name=name: ask(cluster, name))
            known = time.monotonic() - began
            there = read(cluster)
            chosen = random.Random(1).choices(names, k=LOOKUPS)
            asked = time.monotonic()
            assert all(ask(cluster, name) for name in chosen)
            seconds = time.monotonic() - asked
            print(  # noqa: T201
                f"{services:,} headless Services, {len(objects):,} objects: made in {made:.1f} s, "
                f"known after {known:.1f} s; "
                f"{told(before, there)}\n  {LOOKUPS:,} lookups one after the other in {seconds:.1f} s; "
                f"{told(there, read(cluster))}"
            )
        finally:
            cluster.call("DELETE", f"/api/v1/namespaces/{space}")


def _objects(space: str, services: int) -> tuple[list[tuple[str, dict[str, Any]]], list[str]]:
    """Paths and bodies, and the names that resolve once they are known."""
    paths = f"/api/v1/namespaces/{space}/services", f"/apis/discovery.k8s.io/v1/namespaces/{space}/endpointslices"
    each = TASKS // services
    objects: list[tuple[str, dict[str, Any]]] = []
    names = []
    for number in range(services):
        service = f"tasks-{number}"
        spec = {"clusterIP": "None", "publishNotReadyAddresses": True, "ports": [{"name": "tf", "port": 2222}]}
        objects.append((paths[0], {"metadata": {"name": service}, "spec": spec}))
        for first in range(0, each, SLICE):
            tasks = range(number * each + first, number * each + min(first + SLICE, each))
            objects.append((paths[1], _slice(service, first, tasks)))
            names += [f"worker-{task}.{service}.{space}.svc.cluster.local" for task in tasks]
    return objects, names


def _slice(service: str, first: int, tasks: range) -> dict[str, Any]:
    endpoints = [
        {"addresses": [f"192.0.2.{task % 250 + 1}"], "hostname": f"worker-{task}", "conditions": {"ready": True}}
        for task in tasks
    ]
    labels = {"kubernetes.io/service-name": service, "endpointslice.kubernetes.io/managed-by": "bench"}
    return {
        "metadata": {"name": f"{service}-{first}", "labels": labels},
        "addressType": "IPv4",
        "endpoints": _apart(endpoints),
        "ports": [{"name": "tf", "port": 2222}],
    }


def _apart(endpoints: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The API server wants every address once in a slice."""
    return [{**one, "addresses": [f"192.0.2.{place + 1}"]} for place, one in enumerate(endpoints)]


def ask(cluster: LocalCluster, name: str) -> bool:
    """Whether a name has an address: one query of type A (RFC 1035) over UDP."""
    query = struct.pack(">6H", random.getrandbits(16), 0x0100, 1, 0, 0, 0)
    query += b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0" + struct.pack(">2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(5)
        line.sendto(query, (str(cluster.instance.addresses.node), 53))
        answer = line.recv(4096)
    return struct.unpack(">H", answer[6:8])[0] > 0


def _until(done: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, "CoreDNS does not know the name"
        time.sleep(0.02)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
