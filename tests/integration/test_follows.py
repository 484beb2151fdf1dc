"""Projects that start after others: once for each success, never in circles, whatever dies in between."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.db import claims, follows, reconcile
from app.db.engine import DatabaseUnavailable
from app.db.reconcile import Holder, Outcome
from app.domain.decision import Status
from app.domain.training import State
from tests.support.hooks import trainings
from tests.support.pages import run
from tests.support.projects import make_project, start
from tests.support.web import Web

STORAGE = {"name": "disk", "kind": "local", "config": {"path": "/srv/taas", "node": "n1"}}


async def make_chain(client: httpx.AsyncClient, upstream: str, project: str, **params: str) -> dict[str, Any]:
    made = await client.post(f"/api/v1/projects/{project}/follows", json={"upstream": upstream, "params": params})
    assert made.status_code == 201, made.text
    answer: dict[str, Any] = made.json()
    return answer


async def end(web: Web, state: State = State.SUCCEEDED) -> None:
    """As a worker writes the end of the oldest training that is due."""
    async with web.context.database.transaction() as connection:
        [claimed] = await claims.claim(connection, worker="a", seconds=60, most=1)
        await reconcile.write(
            connection,
            claimed.training,
            Outcome(replace(Status.of(claimed.training), state=state)),
            holder=Holder("a", claimed.epoch),
            now=claimed.now,
        )


async def starts(client: httpx.AsyncClient, follow: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(f"/api/v1/follows/{follow['id']}/starts")).json()["items"]
    return found


@pytest.fixture
async def follow(member: httpx.AsyncClient) -> dict[str, Any]:
    for name in ("before", "after"):
        await make_project(member, name)
    return await make_chain(member, "before", "after", run="{{ project }} {{ number }}", note="from {{ params.note }}")


async def test_a_success_starts_what_follows(web: Web, member: httpx.AsyncClient, follow: dict[str, Any]) -> None:
    first = await start(member, "before", params={"note": "n"})
    assert await web.context.chains.carry_out() == 0
    await end(web)
    assert await web.context.chains.carry_out() == 1
    [after] = await trainings(member, "after")
    assert (after["trigger"], after["created_by"]) == ("chain", "before #1")
    assert after["spec"]["params"] == {"run": "before 1", "note": "from n"}
    [made] = await starts(member, follow)
    assert (made["upstream_id"], made["training_id"], made["problem"]) == (first["id"], after["id"], "")
    assert made["done_at"]


async def test_no_other_end_does(web: Web, member: httpx.AsyncClient, follow: dict[str, Any]) -> None:
    await start(member, "before", params={"note": "n"})
    await end(web, State.FAILED)
    assert await web.context.chains.carry_out() == 0


async def test_exactly_once_however_many_carry_it_out(
    web: Web, member: httpx.AsyncClient, follow: dict[str, Any]
) -> None:
    await start(member, "before", params={"note": "n"})
    await end(web)
    assert sum(await asyncio.gather(*(web.context.chains.carry_out() for _ in range(8)))) == 1
    assert len(await trainings(member, "after")) == 1


async def test_dying_in_between_loses_and_doubles_nothing(
    web: Web, member: httpx.AsyncClient, follow: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process is gone after the training is made and before it is noted: the database sees its connection end."""
    await start(member, "before", params={"note": "n"})
    await end(web)
    with monkeypatch.context() as patched:

        async def die(connection: Any, *_: Any, **__: Any) -> None:
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

        patched.setattr(follows, "finish", die)
        with pytest.raises(DatabaseUnavailable):
            await web.context.chains.carry_out()
    assert await trainings(member, "after") == []
    assert await web.context.chains.carry_out() == 1
    assert await web.context.chains.carry_out() == 0
    assert len(await trainings(member, "after")) == 1


async def test_a_success_that_is_not_committed_asks_for_nothing(
    web: Web, member: httpx.AsyncClient, follow: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await start(member, "before", params={"note": "n"})
    written = follows.note_success
    with monkeypatch.context() as patched:

        async def note_and_die(connection: Any, *trainings: Any) -> None:
            await written(connection, *trainings)
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

        patched.setattr(follows, "note_success", note_and_die)
        with pytest.raises(DatabaseUnavailable):
            await end(web)
    assert await web.context.chains.carry_out() == 0
    await end(web)
    assert await web.context.chains.carry_out() == 1


async def test_why_nothing_was_started_stays_to_be_read(
    web: Web, member: httpx.AsyncClient, follow: dict[str, Any]
) -> None:
    await start(member, "before")  # without the note
    await end(web)
    await web.context.chains.carry_out()
    assert (await starts(member, follow))[0]["problem"] == "before #1 had no parameter note."
    await run(web, "UPDATE users SET disabled_at = now() WHERE name = 'mel'")
    await run(web, "UPDATE follow_starts SET done_at = NULL")
    await web.context.chains.carry_out()
    async with web.context.database.read() as connection:
        told = (await connection.execute(text("SELECT DISTINCT problem FROM follow_starts"))).scalars().all()
    assert [sentence.split(":")[0] for sentence in told] == ["The owner of after is not active any more"]


async def test_a_model_is_asked_only_of_a_project_with_a_storage(
    web: Web, member: httpx.AsyncClient, admin: httpx.AsyncClient, follow: dict[str, Any]
) -> None:
    """Refused when it is asked for; a storage that is taken off later is told of when there is a success."""
    params = {"note": "{{ number }}", "model": "{{ model_dir }}/best"}
    told = "before has no storage, so it keeps no model to read: give it one, or leave {{ model_dir }} out."
    address = f"/api/v1/follows/{follow['id']}"
    await make_project(member, "third")
    for refused in (
        await member.post("/api/v1/projects/third/follows", json={"upstream": "before", "params": params}),
        await member.patch(address, json={"params": params}),
    ):
        assert refused.status_code == 422
        errors = [(error["pointer"], error["detail"]) for error in refused.json()["errors"]]
        assert errors == [("/params/model", told)]
    assert (await admin.post("/api/v1/storages", json=STORAGE)).status_code == 201
    await change_storage(member, "before", "disk")
    assert (await member.patch(address, json={"params": params})).json()["params"] == params
    await make_chain(member, "before", "third", **params)
    await change_storage(member, "before", None)
    await start(member, "before")
    await end(web)
    assert await web.context.chains.carry_out() == 2
    assert (
        "has no storage, so its model is gone. Give the project a storage."
        in ((await starts(member, follow))[0]["problem"])
    )
    assert await trainings(member, "after") == []


async def change_storage(client: httpx.AsyncClient, project: str, storage: str | None) -> None:
    changed = await client.patch(f"/api/v1/projects/{project}", json={"storage": storage}, headers={"If-Match": "*"})
    assert changed.status_code == 200, changed.text


async def test_the_model_directory_is_there_to_read(web: Web, admin: httpx.AsyncClient) -> None:
    assert (await admin.post("/api/v1/storages", json=STORAGE)).status_code == 201
    await make_project(admin, "before", storage="disk")
    await make_project(admin, "after", storage="disk", args=["--model", "{{ params.model }}"])
    await make_chain(admin, "before", "after", model="{{ model_dir }}")
    await start(admin, "before")
    await end(web)
    await web.context.chains.carry_out()
    [after] = await trainings(admin, "after")
    assert after["spec"]["params"] == {"model": "/taas/upstream/model"}
    items = (await admin.get(f"/api/v1/trainings/{after['id']}/manifests")).json()["items"]
    [job] = [item for item in items if item["kind"] == "Job"]
    mounts = job["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    [model] = [mount for mount in mounts if mount["mountPath"] == "/taas/upstream/model"]
    assert model["readOnly"] is True
    assert model["subPath"].startswith("before-")
    assert model["subPath"].endswith("/models/1")
    assert len([item for item in items if item["kind"] == "PersistentVolume"]) == 1


async def test_circles_are_refused_and_named(member: httpx.AsyncClient) -> None:
    for name in "abc":
        await make_project(member, name)
    await make_chain(member, "a", "b")
    await make_chain(member, "b", "c")
    for project, way in (("a", "c → a → b → c"), ("c", None)):
        refused = await member.post(f"/api/v1/projects/{project}/follows", json={"upstream": "c"})
        assert (refused.status_code, refused.json()["code"]) == (409, "circle")
        assert way is None or way in refused.json()["detail"]
    again = await member.post("/api/v1/projects/c/follows", json={"upstream": "b"})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


async def test_two_at_once_do_not_close_a_circle(member: httpx.AsyncClient) -> None:
    names = [f"p{number}" for number in range(6)]
    for name in names:
        await make_project(member, name)
    around = zip(names, [*names[1:], names[0]], strict=True)
    answers = await asyncio.gather(
        *(member.post(f"/api/v1/projects/{after}/follows", json={"upstream": before}) for before, after in around)
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [409]


async def test_a_deleted_project_is_followed_no_more(member: httpx.AsyncClient, follow: dict[str, Any]) -> None:
    assert (await member.delete("/api/v1/projects/before", headers={"If-Match": "*"})).status_code == 204
    assert (await member.get("/api/v1/projects/after/follows")).json()["items"] == []
    assert (await member.get(f"/api/v1/follows/{follow['id']}")).status_code == 404


async def test_both_projects_have_to_be_yours(web: Web, member: httpx.AsyncClient, follow: dict[str, Any]) -> None:
    async with web.client_of("nat") as other:
        await make_project(other, "other")
        for project, upstream in (("other", "before"), ("after", "other")):
            refused = await other.post(f"/api/v1/projects/{project}/follows", json={"upstream": upstream})
            assert refused.status_code == 403
        assert (await other.delete(f"/api/v1/follows/{follow['id']}")).status_code == 403
    assert (await member.delete(f"/api/v1/follows/{follow['id']}")).status_code == 204


async def test_every_wrong_param_is_named(member: httpx.AsyncClient, follow: dict[str, Any]) -> None:
    body = {"upstream": "before", "params": {"9": "x", "a": "{{ nothing }}", "b": "{{ params.b }}", "c": "{{ number"}}
    refused = await member.post("/api/v1/projects/after/follows", json=body)
    assert refused.status_code == 422
    assert {error["pointer"] for error in refused.json()["errors"]} == {"/params/9", "/params/a", "/params/c"}
    unknown = await member.post("/api/v1/projects/after/follows", json={"upstream": "none"})
    assert unknown.json()["errors"][0]["pointer"] == "/upstream"
