"""Trainings through the API: listed, stopped, tried again, told of. No worker runs here."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import func, insert, update

from app.db.ids import new_id
from app.db.tables import attempts, events, tasks
from app.domain.training import TaskKey
from tests.support.projects import make_project, start
from tests.support.training_rows import row_of, set_state
from tests.support.web import Web


async def test_lists_are_filtered_and_paged(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member, "one")
    await make_project(member, "two")
    made = [await start(member, name) for name in ("one", "two", "one", "two", "one")]
    await set_state(web, made[0], "succeeded")
    await set_state(web, made[1], "failed")
    order = [training["id"] for training in reversed(made)]
    assert await ids_of(member) == order
    assert await ids_of(member, project="one") == [made[4]["id"], made[2]["id"], made[0]["id"]]
    assert await ids_of(member, project="none") == []
    assert await ids_of(member, state=["succeeded", "failed"]) == [made[1]["id"], made[0]["id"]]
    assert await ids_of(member, state="queued", project="two") == [made[3]["id"]]
    assert await ids_of(member, trigger="retry") == []
    assert await ids_of(member, created_after=made[2]["created_at"]) == order[:2]
    found: list[str] = []
    page: dict[str, Any] = {"next_cursor": None}
    while True:
        params = {"limit": 2} | ({"cursor": page["next_cursor"]} if page["next_cursor"] else {})
        page = (await member.get("/api/v1/trainings", params=params)).json()
        found += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
    assert found == order
    wrong = await member.get("/api/v1/trainings", params={"state": "sleeping"})
    assert wrong.status_code == 422


async def test_a_stop_is_an_intent_and_the_first_one_counts(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member)
    made = await start(member)
    address = f"/api/v1/trainings/{made['id']}"
    stopped = await member.post(f"{address}/stop")
    assert stopped.status_code == 202
    assert (stopped.json()["state"], stopped.json()["stop_requested_by"]) == ("queued", "mel")
    row = await row_of(web, made)
    assert (row["intent_gen"], row["stop_reason"]) == (2, "stopped_by_user")
    await member.post(f"{address}/stop")
    assert (await row_of(web, made))["intent_gen"] == 2
    told = (await member.get(f"{address}/events")).json()["items"]
    assert [event["reason"] for event in told] == ["Queued", "StopRequested"]
    await set_state(web, made, "stopped")
    assert (await member.post(f"{address}/stop")).status_code == 202
    assert (await row_of(web, made))["intent_gen"] == 2


async def test_many_are_stopped_at_once_and_the_rest_is_explained(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member)
    first, ended, third = [await start(member) for _ in range(3)]
    await set_state(web, ended, "failed")
    async with web.client_of("other") as other:
        await make_project(other, "theirs")
        foreign = await start(other, "theirs")
    unknown = str(uuid4())
    ids = [first["id"], ended["id"], third["id"], foreign["id"], unknown, first["id"]]
    answer = (await member.post("/api/v1/trainings/stop", json={"ids": ids})).json()
    assert answer["stopping"] == [first["id"], third["id"]]
    assert {left["id"]: left["why"] for left in answer["left"]} == {
        ended["id"]: "It has ended already.",
        foreign["id"]: "It is not yours.",
        unknown: "There is no such training.",
    }
    assert (await row_of(web, foreign))["stop_requested_at"] is None
    another = await start(member)
    both = await member.post("/api/v1/trainings/stop", json={"ids": ids, "project": "hello"})
    assert (both.status_code, both.json()["detail"]) == (
        422,
        "The body must name either ids or a project, not both.",
    )
    answer = (await member.post("/api/v1/trainings/stop", json={"project": "hello"})).json()
    assert set(answer["stopping"]) == {first["id"], third["id"], another["id"]}
    assert (await row_of(web, another))["stop_requested_by"] == "mel"


async def test_a_retry_is_the_same_again(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member, args=["{{ params.x }}"])
    made = await start(member, params={"x": "1"}, roles={"worker": {"count": 2}})
    address = f"/api/v1/trainings/{made['id']}/retry"
    assert (await member.post(address)).status_code == 409
    await set_state(web, made, "failed")
    await member.patch("/api/v1/projects/hello", json={"args": []}, headers={"If-Match": "*"})
    again = await member.post(address)
    assert again.status_code == 202, again.text
    body = again.json()
    assert (body["number"], body["trigger"], body["retry_of"], body["spec"]) == (2, "retry", made["id"], made["spec"])


async def test_only_the_owner_and_admins_act_on_a_training(
    web: Web, member: httpx.AsyncClient, admin: httpx.AsyncClient, viewer: httpx.AsyncClient
) -> None:
    await make_project(member)
    made = await start(member)
    address = f"/api/v1/trainings/{made['id']}"
    async with web.client_of("other") as other:
        for client in (other, viewer):
            assert (await client.get(address)).status_code == 200
            for path in ("/stop", "/retry"):
                assert (await client.post(address + path)).status_code == 403
            assert (await client.patch(address, json={"notes": "x"})).status_code == 403
    assert (await admin.post(f"{address}/stop")).status_code == 202


async def test_notes_change_and_whoever_watches_is_told(member: httpx.AsyncClient) -> None:
    await make_project(member)
    made = await start(member)
    address = f"/api/v1/trainings/{made['id']}"
    tag = (await member.get(address)).headers["ETag"]
    changed = await member.patch(address, json={"notes": "good"})
    assert (changed.json()["notes"], changed.headers["ETag"] != tag) == ("good", True)


async def test_tasks_tell_of_all_their_tries(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member, roles={"worker": {"count": 2}})
    made = await start(member)
    async with web.context.database.transaction() as connection:
        for number in (1, 2):
            await connection.execute(
                insert(attempts).values(
                    id=new_id(),
                    training_id=UUID(made["id"]),
                    role="worker",
                    index=1,
                    number=number,
                    pod_name=f"worker-1-{number}",
                    pod_uid=f"uid-{number}",
                    state="failed",
                    exit_code=3,
                    created_at=func.now(),
                    log_verdict="incomplete",
                    log_missing_lines=5,
                )
            )
        await connection.execute(
            update(tasks).where(tasks.c.index == 1).values(attempts=1, exit_code=3, state="failed")
        )
    first, second = (await member.get(f"/api/v1/trainings/{made['id']}/tasks")).json()["items"]
    assert (first["tries"], first["attempts"]) == (0, [])
    assert (second["tries"], second["exit_code"], second["state"]) == (2, 3, "failed")
    assert [(a["number"], a["pod"], a["log_missing_lines"]) for a in second["attempts"]] == [
        (1, "worker-1-1", 5),
        (2, "worker-1-2", 5),
    ]
    # The page reads the tries of those tasks only that it shows; how many there are, of all.
    carl, id_ = await web.person("carl"), UUID(made["id"])
    assert [(str(task.key), task.tries) for task in await web.context.trainings.all_tasks(carl, id_)] == [
        ("worker-0", 0),
        ("worker-1", 2),
    ]
    shown = await web.context.trainings.tries_of(carl, id_, [TaskKey("worker", 1)])
    assert [one.pod for one in shown[TaskKey("worker", 1)]] == ["worker-1-1", "worker-1-2"]


async def test_events_of_the_cluster_are_counted(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member)
    made = await start(member)
    async with web.context.database.transaction() as connection:
        await connection.execute(
            insert(events).values(
                id=new_id(),
                training_id=UUID(made["id"]),
                key="k",
                source="kubernetes",
                severity="warning",
                reason="FailedCreate",
                object="Job/worker",
                message="exceeded quota",
                count=4,
                first_at=func.now(),
                last_at=func.now(),
            )
        )
    told = (await member.get(f"/api/v1/trainings/{made['id']}/events")).json()["items"]
    assert (told[1]["reason"], told[1]["count"], told[1]["object"]) == ("FailedCreate", 4, "Job/worker")


async def test_unknown_things_are_not_found(member: httpx.AsyncClient) -> None:
    assert (await member.get(f"/api/v1/trainings/{uuid4()}")).status_code == 404
    assert (await member.get("/api/v1/trainings/not-an-id")).status_code == 404
    assert (await member.post("/api/v1/projects/nope/trainings")).status_code == 404
    for path in ("tasks", "events", "manifests"):
        assert (await member.get(f"/api/v1/trainings/{uuid4()}/{path}")).status_code == 404


async def ids_of(client: httpx.AsyncClient, **params: Any) -> list[str]:
    answer = await client.get("/api/v1/trainings", params=params)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]
