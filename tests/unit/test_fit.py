"""Whether tasks find room: what is promised holds, what is ruled out is proven, and the rest waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.cluster import ClusterNode, Taint
from app.domain.fit import Demand, Verdict, demands_of, fit, tolerated
from app.domain.project import Framework, Resources, Role, RunSpec, Toleration
from app.domain.queueing import QueuePlace, Standing, place_of
from app.domain.room import room_of

GPU = "nvidia.com/gpu"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
SPOT = Taint("spot", "true", "NoSchedule")


def node(name: str, cpu: str = "4", memory: str = "8Gi", gpu: str = "0", **more: Any) -> ClusterNode:
    allocatable = {"cpu": cpu, "memory": memory, "pods": "110"} | ({GPU: gpu} if gpu != "0" else {})
    fields: dict[str, Any] = {"ready": "yes", "requested": {}, "used": None, "observed_at": NOW} | more
    return ClusterNode(name, allocatable=allocatable, **fields)


def run(**roles: Role) -> RunSpec:
    return RunSpec(Framework.TENSORFLOW, "image", roles)


def role(count: int = 1, cpu: str = "1", memory: str = "1Gi", gpu: int = 0, **more: Any) -> Role:
    return Role(count, Resources(cpu=cpu, memory=memory, gpu=gpu), **more)


def answer(spec: RunSpec, *nodes: ClusterNode) -> tuple[str, str]:
    found = fit(demands_of(spec, GPU), nodes, gpu_resource=GPU)
    return found.verdict.value, found.message


BUSY = {"cpu": "3500m", "memory": "1Gi", "pods": "3"}


@pytest.mark.parametrize(
    ("spec", "nodes", "verdict", "words"),
    [
        (run(worker=role(4)), [node("a")], "now", "All 4 tasks fit now."),
        (run(worker=role()), [node("a")], "now", "The task fits now."),
        (run(worker=role()), [], "unknown", "No worker has seen the nodes"),
        # in sum too little is free
        (run(worker=role(2, gpu=2)), [node("a", gpu="2"), node("b", gpu="4", requested={GPU: "4"})], "waits",
         "It waits for room: 2 GPUs short."),
        (run(worker=role(2)), [node("a", requested=BUSY)], "waits", "It waits for room: 1.5 cores short."),
        (run(worker=role(2, memory="4Gi")), [node("a", requested={"memory": "3Gi"})], "waits",
         "3 GiB of memory short"),
        # enough in sum, not on one node
        (run(worker=role(cpu="3")), [node("a", requested={"cpu": "2"}), node("b", requested={"cpu": "2"})], "waits",
         "no single node has room for 1 of 1 worker"),
        # nodes that take no new tasks may do so again
        (run(worker=role()), [node("a", ready="no")], "waits", "1 node takes no new tasks"),
        (run(worker=role()), [node("a", ready="cordoned"), node("b", ready="no")], "waits", "2 nodes take no new"),
        # proven to be impossible
        (run(worker=role(memory="96Gi")), [node("a"), node("b", memory="31Gi")], "never",
         "No node has the 96 GiB of memory that each worker asks for; the most is 31 GiB of memory."),
        (run(worker=role(memory="8Gi")), [node("a", memory="8190Mi")], "never",
         "No node has the 8 GiB of memory that each worker asks for; the most is 7.9 GiB of memory."),
        (run(worker=role(gpu=1)), [node("a")], "never", "No node has the 1 GPU that each worker asks for; none has"),
        (run(worker=role(cpu="4", memory="8Gi")), [node("a", memory="4Gi"), node("b", cpu="2")], "never",
         "No node has all that a worker asks for at once."),
        (run(worker=role(5, cpu="3")), [node("a"), node("b")], "never", "Of 5 worker tasks only 2 would find room"),
        (run(worker=role(3), ps=role(2)), [node("a")], "never", "All tasks together ask for 5 cores; the cluster"),
        (run(worker=role(200, cpu="1m", memory="16Mi")), [node("a")], "never", "only 110 would find room"),
        # where it may run
        (run(worker=role(node_selector={"disk": "ssd"})), [node("a")], "never", "none has disk=ssd"),
        (run(worker=role(node_selector={"disk": "ssd"})), [node("a", labels={"disk": "ssd"})], "now", "fits now"),
        (run(worker=role()), [node("a", taints=(SPOT,))], "never", "each has a taint that it does not tolerate"),
        (run(worker=role(tolerations=(Toleration("spot", "Exists"),))), [node("a", taints=(SPOT,))], "now", "fits"),
        # devices are tolerated by who asks for them, and kept free by who does not
        (run(worker=role(gpu=1)), [node("a", gpu="1", taints=(Taint(GPU, "", "NoSchedule"),))], "now", "fits now"),
        (run(chief=role(cpu="4"), worker=role(cpu="4", gpu=1)), [node("a", gpu="1"), node("b")], "now", "All 2"),
    ],
)  # fmt: skip
def test_answers(spec: RunSpec, nodes: list[ClusterNode], verdict: str, words: str) -> None:
    found, message = answer(spec, *nodes)
    assert (found, words in message) == (verdict, True), message


def test_a_role_with_few_nodes_is_short_although_the_cluster_is_not() -> None:
    spec = run(worker=role(2, cpu="2", node_selector={"zone": "a"}), ps=role())
    nodes = [node("a", labels={"zone": "a"}, requested={"cpu": "2"}), node("b", cpu="64")]
    assert answer(spec, *nodes) == ("waits", "It waits for room: 2 cores short.")


def test_what_finds_room_is_told_by_role() -> None:
    nodes = [node("a"), node("b", requested={"cpu": "2"})]
    found = fit(demands_of(run(worker=role(3, cpu="2"), ps=role()), GPU), nodes, gpu_resource=GPU)
    assert found.verdict is Verdict.WAITS
    assert found.placed == {"worker": 3, "ps": 0}


def test_a_packing_that_needs_the_other_order_is_found() -> None:
    """The larger role first would take the node that the smaller one needs."""
    spec = run(chief=role(cpu="3"), worker=role(3, cpu="1"))
    assert answer(spec, node("a", cpu="3"), node("b", cpu="3"))[0] == "now"


@pytest.mark.parametrize(
    ("taint", "toleration", "expected"),
    [
        (SPOT, Toleration("spot", "Equal", "true", "NoSchedule"), True),
        (SPOT, Toleration("spot", "Equal", "false"), False),
        (SPOT, Toleration("spot", "Exists", effect="NoExecute"), False),
        (SPOT, Toleration("", "Exists"), True),
        (SPOT, Toleration("other", "Exists"), False),
        (Taint("spot", "", "PreferNoSchedule"), Toleration("other", "Exists"), True),
    ],
)
def test_tolerations(taint: Taint, toleration: Toleration, expected: bool) -> None:
    assert tolerated(taint, [toleration]) is expected


ROOM = st.integers(0, 8)
TASKS = st.builds(
    lambda count, cpu, memory: (count, Decimal(cpu), Decimal(memory)), st.integers(1, 4), st.integers(1, 4), ROOM
)


@settings(max_examples=300)
@given(st.lists(TASKS, min_size=1, max_size=3), st.lists(st.tuples(ROOM, ROOM, ROOM), min_size=1, max_size=3))
def test_promises_hold_against_every_way_to_place_the_tasks(
    tasks: list[tuple[int, Decimal, Decimal]], rooms: list[tuple[int, int, int]]
) -> None:
    demands = [
        Demand(f"r{place}", count, {"cpu": cpu, "memory": memory + 1}, {}, ())
        for place, (count, cpu, memory) in enumerate(tasks)
    ]
    nodes = [
        replace(
            node(f"n{place}"),
            allocatable={"cpu": str(cpu), "memory": str(memory)},
            requested={"cpu": str(min(used, cpu))},
        )
        for place, (cpu, memory, used) in enumerate(rooms)
    ]
    verdict = fit(demands, nodes, gpu_resource=GPU).verdict
    wanted = [(demand.needs["cpu"], demand.needs["memory"]) for demand in demands for _ in range(demand.count)]
    free = [(Decimal(cpu - min(used, cpu)), Decimal(memory)) for cpu, memory, used in rooms]
    whole = [(Decimal(cpu), Decimal(memory)) for cpu, memory, _ in rooms]
    if verdict is Verdict.NOW:
        assert _can_be_placed(wanted, free)
    if verdict is Verdict.NEVER:
        assert not _can_be_placed(wanted, whole)


def _can_be_placed(wanted: list[tuple[Decimal, Decimal]], free: list[tuple[Decimal, Decimal]]) -> bool:
    """By trying everything."""
    if not wanted:
        return True
    cpu, memory = wanted[0]
    for place, (cpus, bytes_) in enumerate(free):
        if cpu <= cpus and memory <= bytes_ and free.index((cpus, bytes_)) == place:
            left = [*free[:place], (cpus - cpu, bytes_ - memory), *free[place + 1 :]]
            if _can_be_placed(wanted[1:], left):
                return True
    return False


def test_room_leaves_out_what_cordoned_nodes_have_free() -> None:
    found = room_of([node("a", requested=BUSY), node("b", cpu="16", ready="cordoned")])
    assert found["cpu"].largest == 16
    assert (found["cpu"].largest_free, found["cpu"].free) == (Decimal("0.5"), Decimal("0.5"))


@pytest.mark.parametrize(
    ("standing", "limit", "project_limit", "position", "words"),
    [
        (Standing(0, 0, 0, 0), 1, None, 0, ""),
        (
            Standing(1, 0, 0, 0),
            1,
            None,
            1,
            "Another training runs or is about to, and only one may: it would be number 1",
        ),
        (Standing(3, 0, 0, 2), 4, None, 2, "4 of at most 4 trainings run or are about to: it would be number 2"),
        (Standing(1, 1, 0, 0), 9, 1, 1, "Another training of this project"),
        (Standing(2, 1, 3, 1), 9, 2, 3, "2 of at most 2 trainings of this project"),
        (Standing(5, 0, 0, 0), 9, 1, 0, ""),
    ],
)
def test_places_in_the_queue(
    standing: Standing, limit: int, project_limit: int | None, position: int, words: str
) -> None:
    found = place_of(standing, limit=limit, project_limit=project_limit)
    assert isinstance(found, QueuePlace)
    assert (found.position, words in found.message) == (position, True)
