"""Starting trainings through the API: what is frozen, previewed, refused. No worker runs here."""

from __future__ import annotations

import asyncio
import os
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.db.tables import tasks, trainings
from app.k8s.manifests import build
from app.services.manifests import shown
from tests.support.projects import IMAGE, make_algorithm, make_project, start
from tests.support.training_rows import count
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
        ({"roles": {"ps": {"count": 1}}}, "/roles/ps", "has the role worker"),
        ({"roles": {"worker": {"count": 0}}}, "/roles/worker/count", "use 1 to 5,000"),
        ({"roles": {"worker": {"resources": {"memory": "lots"}}}}, "/roles/worker/resources/memory", "use a quantity"),
        ({"image": "NO"}, "/image", "Give an image reference"),
        ({"args": ["{{ params.x }}"]}, "/params/x", "give it a value"),
        ({"args": ["{{ nope }}"]}, "/args/0", "nothing that can be filled in"),
        ({"env": {"TAAS_ROLE": "x"}}, "/env/TAAS_ROLE", "use another name"),
        ({"max_duration": "PT0S"}, "/max_duration", "Use 1 second to 366 days."),
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


def label(preview: dict[str, Any]) -> str:
    found: str = preview["items"][0]["metadata"]["labels"]["taas.dev/training"]
    return found
