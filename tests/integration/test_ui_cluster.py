"""The cluster's pages and API: both tell the rows that a worker keeps, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from app.db import cluster_nodes, orphan_rows
from app.db.cluster_nodes import NodeRow
from app.domain.orphan import Orphan, OrphanKind
from tests.support.pages import run, write
from tests.support.projects import make_project, start
from tests.support.visitor import logged_in
from tests.support.web import Web

GPU = "nvidia.com/gpu"
ALLOCATABLE = {"cpu": "4", "memory": "8Gi", "pods": "110", GPU: "2", "hugepages-2Mi": "0", "ephemeral-storage": "9Gi"}


def node(name: str, ready: str = "yes", **more: Any) -> NodeRow:
    requested = {"cpu": "1500m", "memory": "2147483648", "pods": "3", GPU: "1"}
    return NodeRow(name, ready, ALLOCATABLE, requested, **more)


async def nodes(web: Web, *rows: NodeRow) -> None:
    async with web.context.database.transaction() as connection:
        await cluster_nodes.replace_all(connection, rows)


async def test_without_a_cluster_the_page_says_so(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        page = await client.get("/cluster")
        assert "No cluster yet" in page.text
        assert "No worker was seen" in page.text
        assert "only a worker can say" not in page.text  # follows from it
        answer = (await client.get("/api/v1/cluster")).json()
        assert (answer["nodes"], answer["totals"], answer["observed_at"]) == ([], {}, None)
        assert "Nobody waits" in (await client.get("/cluster/queue")).text
        assert "No namespaces" in (await client.get("/cluster/namespaces")).text
        assert "None is stuck" in (await client.get("/cluster/namespaces?stuck=true")).text


async def test_sums_are_of_the_nodes_that_take_tasks(web: Web) -> None:
    await nodes(web, node("a", used={"cpu": "250000000n", "memory": "1Gi"}), node("b"), node("c", ready="cordoned"))
    async with logged_in(web, "ada") as client:
        answer = (await client.get("/api/v1/cluster")).json()
        page = (await client.get("/cluster")).text
    assert [(one["name"], one["ready"]) for one in answer["nodes"]] == [("a", "yes"), ("b", "yes"), ("c", "cordoned")]
    assert answer["nodes"][0]["used"] == {"cpu": "250000000n", "memory": "1Gi"}
    assert list(answer["totals"]) == ["cpu", "memory", "pods", GPU]
    assert answer["totals"]["cpu"] == {"allocatable": "8", "requested": "3", "free": "5", "used": None}
    assert answer["totals"][GPU]["free"] == "2"
    assert '3 cores <span class="quiet">of 8 cores</span>' in page
    assert "0.25 cores in use" in page
    assert "cordoned" in page
    assert "these figures may be old" not in page


async def test_a_node_names_who_holds_it(web: Web) -> None:
    await nodes(web, node("a"), node("b"))
    async with logged_in(web, "ada") as client:
        await make_project(client, "hello", roles={"worker": {"count": 3}})
        running, ended = (await start(client))["id"], (await start(client))["id"]
        await write(web, running, state="running", starting_at=True)
        await write(web, ended, state="succeeded", finished_at=True)
        await run(web, "UPDATE tasks SET node = 'a', state = 'running'")
        await run(web, "UPDATE tasks SET state = 'failed' WHERE \"index\" = 2")
        items = (await client.get("/api/v1/cluster/nodes")).json()["items"]
        page = (await client.get("/cluster")).text
    assert items[1]["holders"] == []
    assert [(held["id"], held["tasks"], held["state"]) for held in items[0]["holders"]] == [(running, 2, "running")]
    assert f'href="/trainings/{running}">hello #1 · 2 tasks' in page
    assert f'href="/trainings/{ended}"' not in page


async def test_the_queue_is_in_order_with_what_each_waits_for(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client)
        ids = [(await start(client))["id"] for _ in range(3)]
        await write(web, ids[0], message="Waits: 1 of 1 trainings runs.")
        await write(web, ids[1], state="running")
        first = (await client.get("/api/v1/cluster/queue?limit=1")).json()
        second = (await client.get("/api/v1/cluster/queue", params={"limit": 1, "cursor": first["next_cursor"]})).json()
        assert [one["id"] for one in first["items"] + second["items"]] == [ids[0], ids[2]]
        assert second["next_cursor"] is None
        page = (await client.get("/cluster/queue")).text
        assert "Waits: 1 of 1 trainings runs." in page
        assert "A worker has not looked at it yet." in page
        assert (await client.get("/api/v1/cluster")).json()["queued"] == 2


async def test_namespaces_are_shown_with_what_holds_up_their_deletion(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client)
        there, stuck, going, gone = [(await start(client))["id"] for _ in range(4)]
        await write(web, there, state="running", namespace="taas-a", namespace_state="present", starting_at=True)
        why = "NamespaceContentRemaining: <b>pods</b> has 1 left"
        await write(web, stuck, state="failed", namespace="taas-b", namespace_state="deleting", namespace_message=why)
        await write(web, going, state="failed", namespace="taas-c", namespace_state="deleting", finished_at=True)
        await write(web, gone, state="failed", namespace="taas-d", namespace_state="gone")
        found = (await client.get("/api/v1/cluster/namespaces")).json()["items"]
        only = (await client.get("/api/v1/cluster/namespaces?stuck=true")).json()["items"]
        page = (await client.get("/cluster/namespaces?stuck=true")).text
        front = (await client.get("/cluster")).text
        counted = (await client.get("/api/v1/cluster")).json()
    assert [one["namespace"] for one in found] == ["taas-a", "taas-b", "taas-c"]
    assert [(one["namespace"], one["message"]) for one in only] == [("taas-b", why)]
    assert (counted["namespaces"], counted["stuck"]) == (3, 1)
    for shown in (page, front):
        assert "taas-b" in shown
        assert "taas-c" not in shown
        assert "NamespaceContentRemaining: &lt;b&gt;pods" in shown


async def test_old_figures_are_called_old(web: Web) -> None:
    await nodes(web, node("a"))
    await run(web, "UPDATE cluster_nodes SET observed_at = now() - interval '10 minutes'")
    async with logged_in(web, "ada") as client:
        assert "these figures may be old" in (await client.get("/cluster")).text


async def test_many_nodes_come_in_parts(web: Web) -> None:
    await nodes(web, *(node(f"node-{number:03}") for number in range(60)))
    async with logged_in(web, "ada") as client:
        page = (await client.get("/cluster")).text
        assert "node-049" in page
        assert "node-050" not in page
        assert page.count("cursor=") == 1
        rest = (await client.get("/cluster?cursor=" + page.split("cursor=")[1].split('"')[0])).text
        assert "node-059" in rest
        assert "hx-sse:connect" not in rest
        assert len((await client.get("/api/v1/cluster")).json()["nodes"]) == 60


async def test_the_queries_use_indexes_and_not_the_whole_table(web: Web) -> None:
    async with logged_in(web, "ada"):
        for where in (
            "state = 'queued'",
            "namespace_state IN ('present', 'deleting')",
            "namespace_state = 'deleting' AND namespace_message <> ''",
        ):
            plan = await explained(web, f"SELECT id FROM trainings WHERE {where} ORDER BY id LIMIT 51")
            assert "ix_trainings_queue" in plan or "ix_trainings_due" in plan, plan


async def explained(web: Web, query: str) -> str:
    async with web.context.database.transaction() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        await connection.execute(text("SET LOCAL enable_indexscan = off"))
        return "\n".join((await connection.execute(text(f"EXPLAIN {query}"))).scalars())


async def test_orphans_are_shown_with_what_becomes_of_them(web: Web) -> None:
    now = datetime.now(UTC)
    owner = uuid4()
    waits = Orphan(OrphanKind.NAMESPACE, "taas-a", "u1", "training", owner, now, collect_at=now + timedelta(minutes=1))
    goes = Orphan(OrphanKind.VOLUME, "taas-<b>", "u2", "endpoint", None, now, deleting_since=now, stuck="<i>held</i>")
    async with logged_in(web, "ada") as client:
        assert "No orphans" in (await client.get("/cluster/orphans")).text
        await keep(web, waits, goes)
        await run(web, "UPDATE cluster_orphans SET found_at = found_at - interval '1 h'")
        await keep(web, waits, goes)
        first = (await client.get("/api/v1/cluster/orphans?limit=1")).json()
        rest = (await client.get("/api/v1/cluster/orphans", params={"cursor": first["next_cursor"]})).json()
        volume, space = first["items"][0], rest["items"][0]
        assert (space["name"], space["kind"], space["owner_id"]) == ("taas-a", "namespace", str(owner))
        assert space["message"].startswith("No training on record has it, so it is deleted")
        assert space["found_at"] < space["looked_at"]
        assert (volume["collect_at"], volume["message"]) == (None, "Its deletion was asked for. <i>held</i>")
        assert (await client.get("/api/v1/cluster")).json()["orphans"] == 2
        page = (await client.get("/cluster/orphans")).text
        assert "taas-&lt;b&gt;" in page
        assert "&lt;i&gt;held" in page
        assert "being deleted" in page
        await keep(web, waits)
        assert [one["name"] for one in (await client.get("/api/v1/cluster/orphans")).json()["items"]] == ["taas-a"]
        await keep(web)
        assert (await client.get("/api/v1/cluster")).json()["orphans"] == 0


async def test_no_more_orphans_are_kept_than_are_read(web: Web) -> None:
    await keep(web, *(Orphan(OrphanKind.VOLUME, f"v{n}", f"u{n}", "training", None, None) for n in range(1_100)))
    async with logged_in(web, "ada") as client:
        assert (await client.get("/api/v1/cluster")).json()["orphans"] == 1_000


async def keep(web: Web, *orphans: Orphan) -> None:
    async with web.context.database.transaction() as connection:
        await orphan_rows.replace_all(connection, orphans)
