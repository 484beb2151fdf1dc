"""Trainings through the API: started, listed, waited for, stopped, tried again. No worker runs here."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import func, insert, select, update

from app.db import notify
from app.db.ids import new_id
from app.db.tables import attempts, events, tasks, trainings
from app.k8s.manifests import build
from app.services.manifests import shown
from tests.support.projects import IMAGE, make_algorithm, make_project, start
from tests.support.web import Web

TF_ROLES = {"chief": {}, "worker": {"count": 2}, "ps": {"count": 1}}


async def test_a_start_queues_a_frozen_training_with_its_tasks(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member, framework="tensorflow", roles=TF_ROLES, args=["--rate", "{{ params.rate }}"])
    body = {
        "roles": {"worker": {"count": 4, "resources": {"memory": "2Gi"}}},
        "params": {"rate": "0.1"},
        "env": {"A": "1"},
        "notes": "try more",
    }
    answer = await member.post("/api/v1/projects/hello/trainings", json=body)
    assert answer.status_code == 202, answer.text
    made = answer.json()
    assert answer.headers["Location"] == f"/api/v1/trainings/{made['id']}"
    shown = await member.get(answer.headers["Location"])
    assert shown.json() == made
    assert (made["project"], made["number"], made["state"], made["trigger"]) == ("hello", 1, "queued", "person")
    assert (made["algorithm"], made["version"], made["created_by"], made["notes"]) == ("hello", 1, "mel", "try more")
    assert made["tasks"] == {"total": 6, "running": 0, "succeeded": 0, "failed": 0}
    assert (made["namespace"], made["namespace_state"], made["reason"]) == (None, "none", None)
    spec = made["spec"]
    assert spec["roles"]["worker"]["count"] == 4
    assert spec["roles"]["worker"]["resources"]["memory"] == "2Gi"
    assert spec["roles"]["worker"]["resources"]["cpu"] == "500m"
    assert (spec["params"], spec["env"], spec["image"]) == ({"rate": "0.1"}, {"A": "1"}, IMAGE)
    listed = (await member.get(f"/api/v1/trainings/{made['id']}/tasks")).json()["items"]
    assert [item["task"] for item in listed] == ["chief-0", "worker-0", "worker-1", "worker-2", "worker-3", "ps-0"]
    assert {item["state"] for item in listed} == {"waiting"}
    told = (await member.get(f"/api/v1/trainings/{made['id']}/events")).json()["items"]
    assert [(event["reason"], event["source"]) for event in told] == [("Queued", "taas")]


async def test_what_was_frozen_stays_whatever_the_project_becomes(member: httpx.AsyncClient) -> None:
    await make_project(member, args=["old"])
    made = await start(member)
    await member.patch("/api/v1/projects/hello", json={"args": ["new"]}, headers={"If-Match": "*"})
    assert (await member.get(f"/api/v1/trainings/{made['id']}")).json()["spec"]["args"] == ["old"]


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({"version": 7}, "/version", "has no version 7"),
        ({"roles": {"ps": {"count": 1}}}, "/roles/ps", "has the roles worker"),
        ({"roles": {"worker": {"count": 0}}}, "/roles/worker/count", "use 1 to 5,000"),
        ({"roles": {"worker": {"resources": {"memory": "lots"}}}}, "/roles/worker/resources/memory", "use a quantity"),
        ({"image": "NO"}, "/image", "Give an image reference"),
        ({"args": ["{{ params.x }}"]}, "/params/x", "give it a value"),
        ({"args": ["{{ nope }}"]}, "/args/0", "nothing that can be filled in"),
        ({"env": {"TAAS_ROLE": "x"}}, "/env/TAAS_ROLE", "use another name"),
        ({"max_duration": "PT0S"}, "/max_duration", "from PT1S"),
        ({"unknown": 1}, "/unknown", "is not a field"),
        ({"args": ["a\u0000b"]}, "", "NUL"),
    ],
)
async def test_a_wrong_override_is_named_and_nothing_is_queued(
    web: Web, member: httpx.AsyncClient, body: dict[str, Any], pointer: str, words: str
) -> None:
    await make_project(member)
    refused = await member.post("/api/v1/projects/hello/trainings", json=body)
    assert refused.status_code == 422, refused.text
    errors = refused.json()["errors"]
    assert [error["pointer"] for error in errors] == [pointer]
    assert words in errors[0]["detail"]
    assert await count(web, trainings) == 0


async def test_a_thousand_tasks_are_queued_in_one_go(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member, roles={"worker": {"count": 1_000}})
    made = await start(member)
    assert await count(web, tasks) == 1_000
    page = (await member.get(f"/api/v1/trainings/{made['id']}/tasks", params={"limit": 200})).json()
    seen = [item["index"] for item in page["items"]]
    while page["next_cursor"]:
        params = {"limit": 200, "cursor": page["next_cursor"]}
        page = (await member.get(f"/api/v1/trainings/{made['id']}/tasks", params=params)).json()
        seen += [item["index"] for item in page["items"]]
    assert seen == list(range(1_000))


async def test_numbers_follow_each_other_without_gaps_whoever_starts(member: httpx.AsyncClient) -> None:
    await make_project(member)
    made = await asyncio.gather(*(start(member) for _ in range(20)))
    assert sorted(training["number"] for training in made) == list(range(1, 21))


async def test_the_same_key_starts_one_training(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member)
    address, key = "/api/v1/projects/hello/trainings", {"Idempotency-Key": "abc"}
    first = await member.post(address, json={"notes": "a"}, headers=key)
    again = await member.post(address, json={"notes": "a"}, headers=key)
    assert (again.status_code, again.json(), again.headers["Location"]) == (
        202,
        first.json(),
        first.headers["Location"],
    )
    assert (await member.post(address, json={"notes": "b"}, headers=key)).status_code == 422
    many = await asyncio.gather(*(member.post(address, headers={"Idempotency-Key": "many"}) for _ in range(20)))
    assert {answer.status_code for answer in many} <= {202, 409}
    assert len({answer.json()["id"] for answer in many if answer.status_code == 202}) == 1
    assert await count(web, trainings) == 2


async def test_a_preview_shows_what_a_start_makes(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member, framework="tensorflow", roles=TF_ROLES, args=["$HOME {{ number }}"])
    preview = (await member.post("/api/v1/projects/hello/preview", json={"roles": {"worker": {"count": 3}}})).json()
    made = await start(member, roles={"worker": {"count": 3}})
    manifests = (await member.get(f"/api/v1/trainings/{made['id']}/manifests")).json()
    assert preview["number"] == made["number"] == 1
    assert preview["spec"] == made["spec"]
    kinds = [item["kind"] for item in manifests["items"]]
    assert kinds == ["Namespace", "NetworkPolicy", "ConfigMap", "Service", "Job", "Job", "Job"]
    masked = str(preview["items"]).replace(preview["namespace"], "NS").replace(label(preview), "ID")
    assert masked == str(manifests["items"]).replace(manifests["namespace"], "NS").replace(made["id"], "ID")
    job = manifests["items"][-2]
    assert (job["metadata"]["name"], job["spec"]["completions"]) == ("worker", 3)
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["$$HOME 1"]
    code = manifests["items"][2]["binaryData"]["code.000"]
    assert code.endswith("bytes of the algorithm's code)")


async def test_what_the_worker_makes_is_what_was_previewed(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member)
    made = await start(member)
    record = await web.context.trainings.get(await web.person("reader"), UUID(made["id"]))
    objects = build(await web.context.launches.launch_of(record.training))
    manifests = (await member.get(f"/api/v1/trainings/{made['id']}/manifests")).json()
    assert shown(objects) == manifests["items"]


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


async def test_a_wait_ends_as_soon_as_something_changes(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member)
    made = await start(member)
    address = f"/api/v1/trainings/{made['id']}"
    tag = (await member.get(address)).headers["ETag"]
    await web.context.listener.connected()
    waiting = asyncio.create_task(member.get(address, params={"wait": 30}, headers={"If-None-Match": tag}))
    await asyncio.wait({waiting}, timeout=0.3)
    assert not waiting.done()
    began = time.monotonic()
    await set_state(web, made, "starting")
    answer = await asyncio.wait_for(waiting, 10)
    assert time.monotonic() - began < 2
    assert (answer.status_code, answer.json()["state"]) == (200, "starting")
    assert answer.headers["ETag"] != tag
    at_once = await asyncio.wait_for(member.get(address, params={"wait": 30}, headers={"If-None-Match": tag}), 5)
    assert at_once.json()["state"] == "starting"


async def test_a_wait_without_a_change_ends_with_304(member: httpx.AsyncClient) -> None:
    await make_project(member)
    made = await start(member)
    address = f"/api/v1/trainings/{made['id']}"
    tag = (await member.get(address)).headers["ETag"]
    assert (await member.get(address, headers={"If-None-Match": tag})).status_code == 304
    ended = await member.get(address, params={"wait": 0.2}, headers={"If-None-Match": tag})
    assert (ended.status_code, ended.content, ended.headers["ETag"]) == (304, b"", tag)
    assert (await member.get(address, params={"wait": 0.1})).status_code == 200
    assert (await member.get(address, params={"wait": 61})).status_code == 422


async def test_a_wait_does_not_need_the_hint(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member)
    made = await start(member)
    address = f"/api/v1/trainings/{made['id']}"
    tag = (await member.get(address)).headers["ETag"]
    waiting = asyncio.create_task(member.get(address, params={"wait": 30}, headers={"If-None-Match": tag}))
    await asyncio.wait({waiting}, timeout=0.3)
    await set_state(web, made, "starting", hint=False)
    assert (await asyncio.wait_for(waiting, 10)).json()["state"] == "starting"


async def test_a_wait_ends_when_the_process_does(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member)
    made = await start(member)
    waiting = asyncio.create_task(member.get(f"/api/v1/trainings/{made['id']}", params={"wait": 30}))
    await asyncio.wait({waiting}, timeout=0.3)
    web.context.closing.set()
    assert (await asyncio.wait_for(waiting, 5)).status_code == 200


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
            update(tasks).where(tasks.c.index == 1).values(attempts=2, exit_code=3, state="failed")
        )
    first, second = (await member.get(f"/api/v1/trainings/{made['id']}/tasks")).json()["items"]
    assert (first["tries"], first["attempts"]) == (0, [])
    assert (second["tries"], second["exit_code"], second["state"]) == (2, 3, "failed")
    assert [(a["number"], a["pod"], a["log_missing_lines"]) for a in second["attempts"]] == [
        (1, "worker-1-1", 5),
        (2, "worker-1-2", 5),
    ]


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


async def test_code_that_is_too_large_needs_a_storage_that_taas_can_write(
    web: Web, member: httpx.AsyncClient, admin: httpx.AsyncClient, tmp_path: Any
) -> None:
    await make_algorithm(member, **{"data.bin": os.urandom(5 * 1024 * 1024)})
    await make_project(member)
    refused = await member.post("/api/v1/projects/hello/trainings")
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/storage"]
    root = tmp_path / "volume"
    local = {"path": "/srv/taas", "node": "node-1", "taas_path": str(root)}
    await admin.post("/api/v1/storages", json={"name": "disk", "kind": "local", "config": local})
    await member.patch("/api/v1/projects/hello", json={"storage": "disk"}, headers={"If-Match": "*"})
    made = await start(member)
    record = await web.context.trainings.get(await web.person("reader"), UUID(made["id"]))
    launch = await web.context.launches.launch_of(record.training)
    assert launch.bundle is None
    folder = root / launch.storages[0].folder
    assert launch.bundle_path
    stored = folder / launch.bundle_path
    assert stored.stat().st_size > 5 * 1024 * 1024
    assert oct(folder.stat().st_mode & 0o7777) == "0o2770"
    assert folder.stat().st_gid == 1000
    assert stored.stat().st_mode & 0o040
    job = (await member.get(f"/api/v1/trainings/{made['id']}/manifests")).json()["items"][-1]
    env = {entry["name"]: entry.get("value") for entry in job["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert env["TAAS_BUNDLE"] == f"/taas/storages/disk/{launch.bundle_path}"


async def test_a_private_registry_gives_the_training_a_pull_secret(
    web: Web, member: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    registry = {"name": "ours", "host": "registry.example.com", "username": "robot", "password": "canary-pw"}
    await admin.post("/api/v1/registries", json=registry)
    await make_project(member)
    made = await start(member)
    shown = await member.get(f"/api/v1/trainings/{made['id']}/manifests")
    assert "canary-pw" not in shown.text
    assert [item["kind"] for item in shown.json()["items"]].count("Secret") == 1
    record = await web.context.trainings.get(await web.person("reader"), UUID(made["id"]))
    launch = await web.context.launches.launch_of(record.training)
    assert launch.pull_secret == {
        "auths": {
            "registry.example.com": {"username": "robot", "password": "canary-pw", "auth": "cm9ib3Q6Y2FuYXJ5LXB3"}
        }
    }


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


async def set_state(web: Web, training: dict[str, Any], state: str, *, hint: bool = True) -> None:
    """What a worker would write."""
    async with web.context.database.transaction() as connection:
        await connection.execute(
            update(trainings)
            .where(trainings.c.id == UUID(training["id"]))
            .values(state=state, status_gen=trainings.c.status_gen + 1)
        )
        if hint:
            notify.publish(connection, "trainings", training["id"])


async def row_of(web: Web, training: dict[str, Any]) -> dict[str, Any]:
    async with web.context.database.read() as connection:
        row = (await connection.execute(select(trainings).where(trainings.c.id == UUID(training["id"])))).one()
    return dict(row._mapping)


async def count(web: Web, table: Any) -> int:
    async with web.context.database.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


def label(preview: dict[str, Any]) -> str:
    found: str = preview["items"][0]["metadata"]["labels"]["taas.dev/training"]
    return found
