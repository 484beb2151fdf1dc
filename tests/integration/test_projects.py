"""Projects through the API."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from app.auth.seal import SealBroken
from app.db import projects
from app.db.tables import project_secrets
from app.domain.access import UserRole
from app.domain.places import project_secret_place
from tests.support.projects import IMAGE, make_algorithm, make_project, start
from tests.support.web import Web

CANARY = "canary-9c1d-secret"
FULL: dict[str, Any] = {
    "name": "digits",
    "algorithm": "hello",
    "version": 1,
    "framework": "tensorflow",
    "image": IMAGE,
    "roles": {
        "chief": {"count": 1, "resources": {"cpu": "500m", "memory": "1Gi", "gpu": 0}},
        "worker": {
            "count": 2,
            "resources": {"cpu": "1", "cpu_limit": "2", "memory": "2Gi", "gpu": 1, "shm_size": "1Gi"},
            "node_selector": {"disk": "ssd"},
            "tolerations": [{"key": "spot", "operator": "Exists"}],
        },
        "ps": {"count": 1},
    },
    "args": ["--epochs", "3", "", "it's $HOME"],
    "env": {"B": "2", "A": "1"},
    "secret_env": {"API_KEY": CANARY},
    "storage": None,
    "success": "chief",
    "task_retries": 2,
    "max_duration": "PT2H",
    "pending_timeout": "PT30M",
    "keep_namespace": "PT0S",
    "stop_grace": "PT1M",
    "running_limit": 3,
    "notes": "for the tests",
    "tags": ["a", "b"],
    "schedule": {
        "cron": "0 3 * * *",
        "interval": None,
        "timezone": "Asia/Shanghai",
        "start": "2026-11-24T03:00:00Z",
        "end": None,
        "overlap": "replace",
        "queue_limit": 3,
        "catch_up": "all",
        "catch_up_limit": 4,
        "catch_up_window": "P2D",
        "stop_after_failures": 5,
        "start_tolerance": "PT15M",
        "succeed_within": "PT4H",
        "notice_slow": True,
    },
}


async def test_every_field_comes_back(member: httpx.AsyncClient) -> None:
    await make_algorithm(member)
    made = await member.post("/api/v1/projects", json=FULL)
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == "/api/v1/projects/digits"
    assert made.headers["ETag"] == '"1"'
    shown = (await member.get("/api/v1/projects/digits")).json()
    assert shown == made.json()
    plain = [name for name in FULL if name not in {"roles", "secret_env"}]
    assert {name: shown[name] for name in plain} == {name: FULL[name] for name in plain}
    assert shown["secret_env"] == ["API_KEY"]
    assert list(shown["roles"]) == ["chief", "worker", "ps"]
    worker = shown["roles"]["worker"]
    assert worker["resources"] == {**FULL["roles"]["worker"]["resources"], "ephemeral_storage": None}
    assert worker["tolerations"] == [{"key": "spot", "operator": "Exists", "value": "", "effect": ""}]
    assert shown["roles"]["ps"]["resources"]["memory"] == "1Gi"
    assert (shown["owner"], shown["trainings"], shown["revision"]) == ("mel", 0, 1)


async def test_a_tag_is_kept_once_and_without_the_spaces_around_it(member: httpx.AsyncClient) -> None:
    await make_project(member, tags=["a", " b ", "a", "b"])
    shown = await member.get("/api/v1/projects/hello")
    assert shown.json()["tags"] == ["a", "b"]
    changed = await member.patch(
        "/api/v1/projects/hello", json={"tags": ["c", "c "]}, headers={"If-Match": shown.headers["ETag"]}
    )
    assert changed.json()["tags"] == ["c"]


async def test_only_who_can_clone_is_told_to(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member)
    for name, role, remedy in (("mo", UserRole.MEMBER, True), ("vic", UserRole.VIEWER, False)):
        async with web.client_of(name, role) as client:
            refused = await client.post("/api/v1/projects/hello/trainings", json={})
        assert refused.status_code == 403
        assert refused.json()["detail"].startswith("hello belongs to mel; only they and admins may do this.")
        assert ("Clone it to have one of your own." in refused.json()["detail"]) is remedy


async def test_what_is_left_out_takes_the_defaults_of_the_installation(
    admin: httpx.AsyncClient, member: httpx.AsyncClient
) -> None:
    await make_algorithm(member)
    body = {"name": "small", "algorithm": "hello", "framework": "tensorflow", "roles": {"chief": {}, "ps": {}}}
    refused = await member.post("/api/v1/projects", json=body)
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/image"]
    image = {"name": "tf", "reference": IMAGE, "framework": "tensorflow", "is_default": True}
    assert (await admin.post("/api/v1/images", json=image)).status_code == 201
    nfs = {"name": "shared", "kind": "nfs", "is_default": True, "config": {"server": "nfs", "path": "/srv"}}
    assert (await admin.post("/api/v1/storages", json=nfs)).status_code == 201
    made = (await member.post("/api/v1/projects", json=body)).json()
    assert (made["image"], made["storage"], made["success"], made["version"]) == (IMAGE, "shared", "chief", None)
    none = (await member.post("/api/v1/projects", json={**body, "name": "none", "storage": None})).json()
    assert none["storage"] is None


async def test_every_wrong_field_is_named_at_once(member: httpx.AsyncClient) -> None:
    await make_algorithm(member)
    body = {**FULL, "algorithm": "nope", "storage": "nope", "task_retries": 101, "roles": {"worker": {"count": 0}}}
    refused = await member.post("/api/v1/projects", json={**body, "success": None})
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    found = {error["pointer"]: error["detail"] for error in refused.json()["errors"]}
    assert found.keys() == {"/algorithm", "/storage", "/task_retries", "/roles/worker/count"}
    assert "use 1 to 5,000" in found["/roles/worker/count"]
    # Where only one sentence is shown, such as for a due time that could not start, it still says which field.
    told = [f"{pointer[1:].replace('/', '.')}: {detail}" for pointer, detail in found.items()]
    assert refused.json()["detail"] == " ".join(told[:3])


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": "Upper Case"}, "/name"),
        ({"framework": "keras"}, "/framework"),
        ({"max_duration": "2 hours"}, "/max_duration"),
        ({"max_duration": 7200}, "/max_duration"),
        ({"roles": {"worker": {"resources": {"memory": ""}}}}, "/roles/worker/resources/memory"),
        ({"version": 99}, "/version"),
        ({"version": -1}, "/version"),
        ({"unknown": 1}, "/unknown"),
        ({"args": ["{{ nope }}"]}, "/args/0"),
        ({"env": {"TF_CONFIG": "x"}}, "/env/TF_CONFIG"),
        ({"secret_env": {"A": "x" * 40_000}}, "/secret_env/A"),
        ({"tags": [" "]}, "/tags/0"),
        ({"schedule": {"cron": "0 0 31 2 *"}}, "/schedule/cron"),
        ({"schedule": {"cron": "0 3 * * *", "start": "2026-11-24"}}, "/schedule/start"),
        ({"schedule": {"interval": 7200}}, "/schedule/interval"),
    ],
)
async def test_a_wrong_field_is_refused_by_its_pointer(
    member: httpx.AsyncClient, change: dict[str, Any], pointer: str
) -> None:
    await make_algorithm(member)
    refused = await member.post("/api/v1/projects", json={**FULL, **change})
    assert refused.status_code == 422, refused.text
    assert pointer in [error["pointer"] for error in refused.json()["errors"]]


async def test_a_secret_goes_in_and_only_the_worker_reads_it(web: Web, member: httpx.AsyncClient) -> None:
    await make_algorithm(member)
    answers = [await member.post("/api/v1/projects", json=FULL), await member.get("/api/v1/projects/digits")]
    started = await member.post("/api/v1/projects/digits/trainings")
    training = started.json()["id"]
    answers += [started, await member.get(f"/api/v1/trainings/{training}/manifests")]
    answers += [await member.post("/api/v1/projects/digits/preview")]
    assert all(answer.status_code < 300 and CANARY not in answer.text for answer in answers)
    async with web.context.database.read() as connection:
        dump = text(
            "SELECT projects::text FROM projects UNION ALL SELECT project_secrets::text FROM project_secrets "
            "UNION ALL SELECT trainings::text FROM trainings UNION ALL SELECT audit_log::text FROM audit_log"
        )
        stored = "".join((await connection.execute(dump)).scalars())
        record = await web.context.trainings.get(await web.person("reader"), training)
    assert CANARY not in stored
    assert CANARY.encode().hex() not in stored
    launch = await web.context.launches.launch_of(record.training)
    assert launch.secret_env == {"API_KEY": CANARY}
    await member.patch("/api/v1/projects/digits", json={"secret_env": {"API_KEY": None}}, headers={"If-Match": "*"})
    with pytest.raises(SealBroken, match="no value for API_KEY any more"):
        await web.context.launches.launch_of(record.training)


async def test_an_edit_needs_the_revision_that_was_seen(member: httpx.AsyncClient) -> None:
    await make_project(member)
    address = "/api/v1/projects/hello"
    assert (await member.patch(address, json={"notes": "x"})).status_code == 428
    edited = await member.patch(address, json={"notes": "x"}, headers={"If-Match": '"1"'})
    assert (edited.status_code, edited.headers["ETag"]) == (200, '"2"')
    stale = await member.patch(address, json={"notes": "y"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert (await member.get(address)).json()["notes"] == "x"
    assert (await member.delete(address, headers={"If-Match": '"1"'})).status_code == 412


async def test_of_two_edits_at_once_one_wins(member: httpx.AsyncClient) -> None:
    await make_project(member)
    answers = await asyncio.gather(
        *(
            member.patch("/api/v1/projects/hello", json={"notes": f"{number}"}, headers={"If-Match": '"1"'})
            for number in range(5)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]


async def test_an_edit_changes_what_it_names_and_nothing_else(web: Web, member: httpx.AsyncClient) -> None:
    await make_algorithm(member)
    before = (await member.post("/api/v1/projects", json=FULL)).json()
    change = {
        "args": ["x"],
        "max_duration": None,
        "version": None,
        "secret_env": {"API_KEY": None, "OTHER": "o"},
        "roles": {"worker": {"count": 3}},
        "success": None,
        "keep_namespace": None,
    }
    edited = await member.patch("/api/v1/projects/digits", json=change, headers={"If-Match": "*"})
    assert edited.status_code == 200, edited.text
    after = edited.json()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {
        "args", "max_duration", "version", "secret_env", "roles", "success", "revision", "updated_at"
    }  # fmt: skip
    assert (after["secret_env"], after["success"], after["roles"]["worker"]["count"]) == (["OTHER"], "all_workers", 3)
    assert await secrets_of(web, "digits") == {"OTHER": "o"}
    refused = await member.patch("/api/v1/projects/digits", json={"name": "x"}, headers={"If-Match": "*"})
    assert refused.status_code == 422


async def test_a_project_belongs_to_its_owner(web: Web, member: httpx.AsyncClient, viewer: httpx.AsyncClient) -> None:
    await make_project(member)
    star = {"If-Match": "*"}
    async with web.client_of("other") as other, web.client_of("root", UserRole.ADMIN) as root:
        for client in (other, viewer):
            assert (await client.get("/api/v1/projects/hello")).status_code == 200
            assert (await client.patch("/api/v1/projects/hello", json={}, headers=star)).status_code == 403
            assert (await client.delete("/api/v1/projects/hello", headers=star)).status_code == 403
            assert (await client.post("/api/v1/projects/hello/trainings")).status_code == 403
        assert (await root.patch("/api/v1/projects/hello", json={"notes": "r"}, headers=star)).status_code == 200
        assert (await viewer.post("/api/v1/projects/hello/clone", json={"name": "mine"})).status_code == 403


async def test_a_clone_takes_secrets_only_for_somebody_who_may_read_them_anyway(
    web: Web, member: httpx.AsyncClient
) -> None:
    await make_project(member, secret_env={"KEY": CANARY}, tags=["t"], args=["a"])
    async with web.client_of("other") as other:
        theirs = await other.post("/api/v1/projects/hello/clone", json={"name": "theirs"})
        assert theirs.status_code == 201, theirs.text
        assert (theirs.json()["owner"], theirs.json()["secret_env"]) == ("other", [])
    mine = (await member.post("/api/v1/projects/hello/clone", json={"name": "mine"})).json()
    assert (mine["secret_env"], mine["tags"], mine["args"], mine["trainings"]) == (["KEY"], ["t"], ["a"], 0)
    started = await start(member, "mine")
    record = await web.context.trainings.get(await web.person("reader"), started["id"])
    assert (await web.context.launches.launch_of(record.training)).secret_env == {"KEY": CANARY}
    assert (await member.post("/api/v1/projects/hello/clone", json={"name": "mine"})).status_code == 409


async def test_a_deleted_project_leaves_its_records_and_its_name(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member, secret_env={"KEY": "x"})
    training = await start(member)
    refused = await member.delete("/api/v1/projects/hello", headers={"If-Match": "*"})
    assert refused.status_code == 409
    async with web.context.database.transaction() as connection:
        await connection.execute(text("UPDATE trainings SET state = 'succeeded'"))
    assert (await member.delete("/api/v1/projects/hello", headers={"If-Match": "*"})).status_code == 204
    assert (await member.get("/api/v1/projects/hello")).status_code == 404
    assert (await member.get(f"/api/v1/trainings/{training['id']}")).json()["project"] == "hello"
    assert (await member.post(f"/api/v1/trainings/{training['id']}/retry")).status_code == 409
    async with web.context.database.read() as connection:
        assert not (await connection.execute(select(project_secrets))).all()
    await make_project(member)
    again = await start(member)
    assert again["number"] == 1
    listed = (await member.get("/api/v1/trainings", params={"project": "hello"})).json()["items"]
    assert [item["id"] for item in listed] == [again["id"], training["id"]]


async def test_lists_are_by_name_and_filtered(web: Web, member: httpx.AsyncClient) -> None:
    for name, tags in (("c", []), ("a", ["x"]), ("b", ["x", "y"])):
        await make_project(member, name, tags=tags)
    async with web.client_of("other") as other:
        await make_project(other, "d", tags=["x"])
    assert await names_of(member) == ["a", "b", "c", "d"]
    assert await names_of(member, tag="x", owner="mel") == ["a", "b"]
    assert await names_of(member, owner="nobody") == []
    first = (await member.get("/api/v1/projects", params={"limit": 3})).json()
    rest = (await member.get("/api/v1/projects", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [item["name"] for item in rest["items"]] == ["d"]
    assert rest["next_cursor"] is None


async def secrets_of(web: Web, name: str) -> dict[str, str]:
    async with web.context.database.read() as connection:
        project = await projects.by_name(connection, name)
        assert project
        sealed = await projects.secrets(connection, project.id)
    return {key: web.context.sealer.open(value, project_secret_place(project.id, key)) for key, value in sealed.items()}


async def names_of(client: httpx.AsyncClient, **params: str) -> list[str]:
    return [item["name"] for item in (await client.get("/api/v1/projects", params=params)).json()["items"]]


async def test_an_algorithm_is_deleted_or_used_but_not_both(member: httpx.AsyncClient) -> None:
    for number in range(8):
        name = f"brief-{number}"
        await make_algorithm(member, name)
        body = {"name": name, "algorithm": name, "framework": "plain", "image": IMAGE}
        made, deleted = await asyncio.gather(
            member.post("/api/v1/projects", json=body), member.delete(f"/api/v1/algorithms/{name}")
        )
        assert (made.status_code, deleted.status_code) in {(201, 409), (422, 204)}
