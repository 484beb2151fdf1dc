"""What proves that a training whose node was lost does not run any more: only then the next of its project starts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.context import Context, build_context
from app.db import attempts, cluster_nodes, handovers, running_queue
from app.db.cluster_nodes import NodeRow
from app.db.engine import Database
from app.domain.access import Principal, UserRole
from app.domain.cluster import OUT_OF_SERVICE, Taint
from app.domain.schedule import Overlap
from app.domain.seen import PodPhase, SeenPod
from app.domain.training import TaskKey
from tests.support.timed import DAY, MINUTE, Timed, every, make_timed
from tests.support.visitor import logged_in
from tests.support.web import Web, settings_for_tests

ADA = Principal(UUID(int=1), "ada", UserRole.ADMIN)
STARTED = DAY + timedelta(hours=1)
BEFORE, AFTER, LATER = (STARTED + timedelta(minutes=minutes) for minutes in (-1, 5, 30))
TAINTED = (Taint(OUT_OF_SERVICE, "nodeshutdown", "NoExecute"),)


@dataclass(frozen=True)
class Told:
    """What the node tells: its boot, when, and how it is."""

    boot: str
    at: datetime | None
    ready: str = "no"
    taints: tuple[Taint, ...] = ()

    def row(self, name: str = "n1") -> NodeRow:
        return NodeRow(name, self.ready, {}, {}, taints=self.taints, boot_id=self.boot, reported_at=self.at)


OTHER = NodeRow("n2", "yes", {}, {})
ALIVE_THEN = Told("a", AFTER)
CASES: list[tuple[str, Told, Told | None, bool]] = [
    # what the node had told when it was given up, what it tells now (None: it is gone), is the end proven?
    ("it is still silent", ALIVE_THEN, ALIVE_THEN, False),
    ("it is back, in the same boot", ALIVE_THEN, Told("a", LATER, "yes"), False),
    ("it is back, in another boot", ALIVE_THEN, Told("b", LATER, "yes"), True),
    ("it is back in another boot, cordoned", ALIVE_THEN, Told("b", LATER, "cordoned"), True),
    ("another boot, but it had told none since the start", Told("a", BEFORE), Told("b", LATER, "yes"), False),
    ("another boot, but it had never told any", Told("", AFTER), Told("b", LATER, "yes"), False),
    ("a worker that is behind tells of a boot before the start", Told("b", AFTER), Told("a", BEFORE), False),
    ("a node that tells no boot", ALIVE_THEN, Told("", LATER, "yes"), False),
    ("a node that does not say when", ALIVE_THEN, Told("b", None, "yes"), False),
    ("it is gone", ALIVE_THEN, None, True),
    ("it is gone and had never told any boot", Told("", None), None, True),
    ("it is silent and tainted out-of-service", ALIVE_THEN, Told("a", AFTER, "no", TAINTED), True),
    ("it answers in spite of the taint", ALIVE_THEN, Told("a", LATER, "yes", TAINTED), False),
    ("it has another taint", ALIVE_THEN, Told("a", AFTER, "no", (Taint("gpu", "", "NoSchedule"),)), False),
]


@pytest.fixture
def context(database: Database, tmp_path: Path) -> Context:
    return build_context(settings_for_tests(tmp_path), database)


async def tells(context: Context, *rows: NodeRow) -> None:
    async with context.database.transaction() as connection:
        await cluster_nodes.replace_all(connection, [*rows, OTHER])


async def lost_with(context: Context, told: Told) -> tuple[Timed, UUID, UUID]:
    """A training that was lost with its node, and the one that waits to replace it."""
    timed = await make_timed(context, [every(1, overlap=Overlap.REPLACE)])
    await timed.fire(DAY + MINUTE)
    [first] = await timed.trainings()
    await tells(context, told.row())
    running = SeenPod(TaskKey("worker", 0), "w", "u", PodPhase.RUNNING, STARTED, node="n1", started_at=STARTED)
    given_up: dict[str, Any] = {"phase": PodPhase.FAILED, "disruption": "NodeLost", "finished_at": AFTER}
    async with context.database.transaction() as connection:
        await connection.execute(
            text("INSERT INTO tasks (training_id, role, index) VALUES (:id, 'worker', 0) ON CONFLICT DO NOTHING"),
            {"id": first["id"]},
        )
        await attempts.save(connection, first["id"], [running], STARTED)
        await attempts.save(connection, first["id"], [_changed(running, **given_up)], AFTER)
    await timed.set_state(first["id"], "failed")
    await timed.fire(DAY + 2 * MINUTE)
    second = next(row for row in await timed.trainings() if row["number"] == 2)
    assert second["replaces"] == first["id"]
    return timed, first["id"], second["id"]


def _changed(pod: SeenPod, **fields: Any) -> SeenPod:
    values = {name: getattr(pod, name) for name in ("key", "name", "uid", "created_at", "node", "started_at")}
    return SeenPod(**{**values, **fields})


async def ask(context: Context, training_id: UUID) -> running_queue.Answer:
    async with context.database.transaction() as connection:
        return await running_queue.ask(connection, training_id, 100)


@pytest.mark.parametrize(("case", "then", "now", "proven"), CASES, ids=[case for case, *_ in CASES])
async def test_what_proves_the_end(context: Context, case: str, then: Told, now: Told | None, proven: bool) -> None:
    _, first, second = await lost_with(context, then)
    waits = await ask(context, second)
    assert not waits.admitted
    await tells(context, *([now.row()] if now else []))
    assert (await ask(context, second)).admitted is proven, case
    async with context.database.read() as connection:
        assert (await handovers.unproven_nodes(connection, first) == []) is proven


async def test_the_waiting_one_says_what_for_and_what_to_do(context: Context) -> None:
    timed, _, second = await lost_with(context, ALIVE_THEN)
    name = f"t{timed.project.hex} #1"
    assert (await ask(context, second)).message == (
        f"{name} may still run on node n1, which was lost. Restart the machine, taint its Node "
        "node.kubernetes.io/out-of-service while it is off, or delete the Node if the machine is gone; "
        f"or see for yourself that nothing of it runs any more, and release {name}. Then this one starts."
    )


async def test_it_says_so_as_soon_as_the_one_before_has_ended(context: Context) -> None:
    """Not only when it looks by itself, which it seldom does."""
    timed, _, second = await lost_with(context, ALIVE_THEN)
    async with context.database.transaction() as connection:
        await connection.execute(text("UPDATE trainings SET seen_gen = intent_gen"))
        assert await running_queue.wake(connection, 100) == 0, "none of them may start"
        assert await running_queue.wake_behind(connection, timed.maker.project_id) == 0, "another project"
        assert await running_queue.wake_behind(connection, timed.project) == 1
        due = await connection.execute(text("SELECT id FROM trainings WHERE intent_gen <> seen_gen"))
        assert list(due.scalars()) == [second]


async def test_a_boot_told_while_it_ran_is_kept_though_the_node_is_back_before_the_end_is_seen(
    context: Context,
) -> None:
    """The last word before the end is of the new boot; the one from before, when the task still ran, counts."""
    timed = await make_timed(context, [every(1, overlap=Overlap.REPLACE)])
    await timed.fire(DAY + MINUTE)
    [first] = await timed.trainings()
    pod = SeenPod(TaskKey("worker", 0), "w", "u", PodPhase.RUNNING, STARTED, node="n1", started_at=STARTED)
    async with context.database.transaction() as connection:
        await connection.execute(
            text("INSERT INTO tasks (training_id, role, index) VALUES (:id, 'worker', 0) ON CONFLICT DO NOTHING"),
            {"id": first["id"]},
        )
        for boot, at, seen in (
            ("a", AFTER, pod),
            ("b", LATER, _changed(pod, phase=PodPhase.FAILED, disruption="NodeLost", started_at=None)),
        ):
            await cluster_nodes.replace_all(connection, [Told(boot, at).row()])
            await attempts.save(connection, first["id"], [seen], LATER)
        assert await handovers.unproven_nodes(connection, first["id"]) == []


async def test_a_person_releases_it_in_the_api(context: Context) -> None:
    _, first, second = await lost_with(context, ALIVE_THEN)
    await context.trainings.release(ADA, first)
    assert (await ask(context, second)).admitted


async def test_its_record_says_so_and_has_a_button(web: Web) -> None:
    _, first, second = await lost_with(web.context, ALIVE_THEN)
    async with web.client_of("ann", UserRole.ADMIN) as api, logged_in(web, "ada", UserRole.ADMIN) as client:
        [lost] = (await api.get(f"/api/v1/trainings/{first}/lost-nodes")).json()
        assert lost["node"] == "n1"
        page = (await client.get(f"/trainings/{first}")).text
        assert lost["message"] in page
        assert 'data-dialog="release"' in page
        assert "may still run" not in (await client.get(f"/trainings/{second}")).text, "it has not ended"
        answer = await client.post(f"/trainings/{first}/release")
        assert answer.headers["location"] == f"/trainings/{first}"
        assert "may still run" not in (await client.get(f"/trainings/{first}")).text
        assert (await api.get(f"/api/v1/trainings/{first}/lost-nodes")).json() == []
        assert "ada says that nothing of it runs any more." in (await client.get(f"/trainings/{first}/events")).text
    assert (await ask(web.context, second)).admitted


async def test_others_may_look_but_not_release(web: Web) -> None:
    _, first, _ = await lost_with(web.context, ALIVE_THEN)
    async with logged_in(web, "nat") as client:
        page = (await client.get(f"/trainings/{first}")).text
        assert "may still run on node n1" in page
        assert 'data-dialog="release"' not in page
        assert (await client.post(f"/trainings/{first}/release")).status_code == 403
