"""Servings by the API and by forms: what is written for a worker, what is refused and why, a model that is tried."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy.dialects.postgresql import insert

from app.db import metric_series
from app.db.tables import metric_readings
from app.domain.metric import Point, Series, extended
from tests.support.projects import start
from tests.support.served_models import furnish, model, project_on, running, trained
from tests.support.training_rows import set_state
from tests.support.visitor import logged_in
from tests.support.web import PASSWORD, Web

HERE = "/api/v1/servings"


@pytest.fixture
async def disk(web: Web, admin: httpx.AsyncClient, member: httpx.AsyncClient, tmp_path: Path) -> Path:
    """With the project `hello` of the member on it."""
    await furnish(admin, tmp_path / "disk")
    await project_on(web, member, tmp_path / "disk")
    return tmp_path / "disk"


async def serve(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post(HERE, json=body)
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"{HERE}/{made['id']}"
    return made


async def test_a_serving_from_its_making_to_its_end(web: Web, member: httpx.AsyncClient, disk: Path) -> None:
    first = await trained(web, member, disk, "export/1", "export/2")
    made = await serve(member, training=first["id"])
    assert (made["name"], made["project"], made["state"], made["live"]) == ("hello", "hello", "starting", 1)
    (version,) = made["versions"]
    assert (version["source"], version["path"]) == ("hello #1", "models/1/export/2")
    here = f"{HERE}/{made['id']}"

    second = await trained(web, member, disk, "")
    changed = (await member.post(f"{here}/versions", json={"training": second["id"]})).json()
    assert (changed["live"], changed["previous"], changed["versions"][0]["path"]) == (2, 1, "models/2")
    back = (await member.post(f"{here}/rollback")).json()
    assert (back["live"], back["previous"]) == (1, 2)
    shared = (await member.put(f"{here}/canary", json={"version": 2, "percent": 20})).json()
    assert shared["canary"] == {"version": 2, "percent": 20, "replicas": 1}
    promoted = (await member.post(f"{here}/live", json={"version": 2})).json()
    assert (promoted["live"], promoted["canary"]) == (2, None)
    sized = await member.patch(here, json={"replicas": 5, "autoscaling": {"least": 2, "most": 8}})
    assert (sized.json()["replicas"], sized.json()["autoscaling"]["most"]) == (5, 8)
    fixed = await member.patch(here, json={"autoscaling": None})
    assert (fixed.json()["replicas"], fixed.json()["autoscaling"]) == (5, None)

    (listed,) = (await member.get(f"{HERE}?project=hello")).json()["items"]
    assert listed == (await member.get(here)).json()
    assert (await member.get(f"{HERE}?project=other")).json()["items"] == []
    assert (await member.delete(here)).status_code == 202


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({}, 422, "/training"),
        ({"project": "hello"}, 422, "/training"),
        ({"project": "nobody", "path": "data"}, 404, None),
        ({"project": "hello", "path": "../other"}, 422, "/path"),
        ({"project": "hello", "path": "data/none"}, 422, "/path"),
        ({"training": "0199aaaa-0000-7000-8000-0123456789ab"}, 422, "/training"),
        ({"project": "hello", "path": "data/m", "replicas": 0}, 422, "/replicas"),
        ({"project": "hello", "path": "data/m", "resources": {"memory": "1"}}, 422, "/resources/memory"),
        ({"project": "hello", "path": "data/m", "args": ["--port=1"]}, 422, "/args/0"),
        ({"project": "hello", "path": "data/m", "autoscaling": {"least": 3, "most": 2}}, 422, "/autoscaling/most"),
    ],
)
async def test_what_cannot_be_served(
    member: httpx.AsyncClient, disk: Path, body: dict[str, Any], status: int, pointer: str | None
) -> None:
    (folder,) = disk.glob("hello-*")
    (folder / "data/m").mkdir(parents=True)
    (folder / "data/m/saved_model.pb").touch()
    answer = await member.post(HERE, json=body)
    assert answer.status_code == status, answer.text
    if pointer:
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_training_without_a_model_or_an_end(web: Web, member: httpx.AsyncClient, disk: Path) -> None:
    running = await start(member)
    answer = await member.post(HERE, json={"training": running["id"]})
    assert (answer.status_code, "only a training that has ended well" in answer.text) == (422, True)
    await set_state(web, running, "succeeded")
    answer = await member.post(HERE, json={"training": running["id"]})
    assert (answer.status_code, "There is no SavedModel in models/1" in answer.text) == (422, True)
    several = await trained(web, member, disk, "left", "right")
    answer = await member.post(HERE, json={"training": several["id"]})
    assert (answer.status_code, "There are several models" in answer.text) == (422, True)
    assert (await serve(member, training=several["id"], path="left"))["versions"][0]["path"] == "models/2/left"


async def test_one_name_is_served_once(web: Web, member: httpx.AsyncClient, disk: Path) -> None:
    training = await trained(web, member, disk, "")
    made = await serve(member, training=training["id"])
    again = await member.post(HERE, json={"training": training["id"]})
    assert (again.status_code, again.json()["code"]) == (409, "serving_exists")
    await serve(member, training=training["id"], name="other")
    assert (await member.delete(f"{HERE}/{made['id']}")).status_code == 202
    await serve(member, training=training["id"])
    assert (await member.post(f"{HERE}/{made['id']}/start")).status_code == 409


async def test_what_does_not_fit_what_is_live(web: Web, member: httpx.AsyncClient, disk: Path) -> None:
    made = await serve(member, training=(await trained(web, member, disk, ""))["id"])
    here = f"{HERE}/{made['id']}"
    assert (await member.post(f"{here}/rollback")).status_code == 409
    unknown = await member.post(f"{here}/live", json={"version": 7})
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/version")
    assert (await member.put(f"{here}/canary", json={"version": 1, "percent": 20})).status_code == 409
    assert (await member.get(f"{here}/signatures")).status_code == 409
    assert (await member.get(f"{here}/traffic")).status_code == 409


async def test_others_look_and_do_not_touch(
    web: Web, member: httpx.AsyncClient, viewer: httpx.AsyncClient, disk: Path
) -> None:
    training = await trained(web, member, disk, "")
    made = await serve(member, training=training["id"])
    here = f"{HERE}/{made['id']}"
    assert (await viewer.get(here)).status_code == 200
    assert (await viewer.post(f"{here}/predict", json={"instances": [1]})).status_code == 403
    async with web.client_of("other") as other:
        for method, path, body in (
            ("POST", HERE, {"training": training["id"], "name": "mine"}),
            ("PATCH", here, {"replicas": 1}),
            ("POST", f"{here}/rollback", None),
            ("DELETE", here, None),
        ):
            assert (await other.request(method, path, json=body)).status_code == 403, path


async def test_the_model_is_asked_with_nothing_of_the_callers(web: Web, member: httpx.AsyncClient, disk: Path) -> None:
    made = await serve(member, training=(await trained(web, member, disk, ""))["id"])
    here = f"{HERE}/{made['id']}"
    with model() as server:
        await running(web, made["id"], server.server_port)
        assert (await member.get(here)).json()["rolled_out"] is True
        (signature,) = (await member.get(f"{here}/signatures")).json()
        assert signature["sample"] == {"instances": [[0.5, 0.5]]}
        tried = (await member.post(f"{here}/predict", json=signature["sample"])).json()
        assert (tried["status"], tried["body"]) == (200, {"predictions": ["<b>1.0"]})
        sent = {name.lower() for name in server.headers}  # type: ignore[attr-defined]
        assert not sent & {"authorization", "cookie", "x-forwarded-for"}
        found = (await member.get(f"{here}/traffic")).json()
        assert (found["requests"], [one["share"] for one in found["replicas"]]) == (4, [0.75, 0.25])
    gone = await member.get(f"{here}/signatures")
    assert (gone.status_code, gone.json()["code"]) == (503, "unavailable")


async def test_the_same_on_pages(web: Web, admin: httpx.AsyncClient, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    await furnish(admin, disk)
    async with logged_in(web, "ann") as client:
        _, secret = await web.context.accounts.log_in("ann", PASSWORD, address="a", user_agent="")
        viewer = await web.context.accounts.by_session(secret)
        _, token = await web.context.tokens.create(viewer, "t", None)
        async with web.client(token) as api:
            await project_on(web, api, disk)
            training = await trained(web, api, disk, "")
        assert "None yet" in (await client.get("/servings")).text
        assert f'name="training" value="{training["id"]}"' in (await client.get(f"/trainings/{training['id']}")).text
        wrong = await client.post("/servings", data={"training": training["id"], "replicas": "0", "memory": "3Gi"})
        assert (wrong.status_code, "use 1 to 64" in wrong.text, 'value="3Gi"' in wrong.text) == (422, True, True)
        made = await client.post("/servings", data={"training": training["id"]})
        assert made.status_code == 303, made.text
        here = made.headers["Location"]
        again = await client.post("/servings", data={"training": training["id"]})
        assert (again.status_code, "runs already" in again.text) == (409, True)
        with model() as server:
            await running(web, here.rpartition("/")[2], server.server_port)
            shown = (await client.get(here)).text
            assert "balancer.taas-serving-hello-abcde.svc:8501/v1/models/hello:predict" in shown
            assert "75 %" in (await client.get(f"{here}/traffic")).text
            assert "{&#34;instances&#34;: [[0.5, 0.5]]}" in (await client.get(f"{here}/try")).text
            tried = await client.post(f"{here}/try", data={"body": '{"instances": [[1, 2]]}'})
            assert ("Answered" in tried.text, "<b>" in tried.text) == (True, False)
            assert "not a request" in (await client.post(f"{here}/try", data={"body": "[1"})).text
        added = await client.post(f"{here}/versions", data={"training": training["id"], "percent": "25"})
        assert added.status_code == 303, added.text
        assert re.search(r"version 2, 25 % of requests", (await client.get(here)).text)
        assert (await client.post(f"{here}/live", data={"version": "2"})).status_code == 303
        assert "Roll back to 1" in (await client.get(here)).text
        assert (await client.post(f"{here}/rollback")).status_code == 303
        bad = await client.post(f"{here}/settings", data={"replicas": "many"})
        assert (bad.status_code, "not a whole number" in bad.text) == (422, True)
        assert (await client.post(f"{here}/settings", data={"replicas": "4"})).status_code == 303
        typed = {"metric": "accuracy", "better": "lower", "bound": "much"}
        wrong = await client.post(f"{here}/promotion", data=typed)
        assert (wrong.status_code, "is not a number" in wrong.text, 'value="much"' in wrong.text) == (422, True, True)
        assert (await client.post(f"{here}/promotion", data=typed | {"bound": "0.4"})).status_code == 303
        assert 'value="0.4"' in (await client.get(here)).text
        assert "Stop serving" in (await client.get(here)).text
        assert (await client.post(f"{here}/stop")).status_code == 303
        assert "A stop was asked for" in (await client.get(here)).text


async def measured(web: Web, training: dict[str, Any], value: float | None) -> None:
    """What the reader of summaries would have written after the training's end."""
    async with web.context.database.transaction() as connection:
        statement = insert(metric_readings).values(training_id=UUID(training["id"]), complete=True)
        change = {"complete": True}
        await connection.execute(statement.on_conflict_do_update(index_elements=["training_id"], set_=change))
        if value is not None:
            series = extended(Series("", "accuracy"), [Point(1, 1.0, 0.0), Point(2, 2.0, value)])
            await metric_series.save(connection, UUID(training["id"]), [series], {("", "accuracy"): 0})


async def test_a_better_model_goes_live_and_another_says_why_not(
    web: Web, member: httpx.AsyncClient, disk: Path
) -> None:
    first = await trained(web, member, disk, "")
    await measured(web, first, 0.8)
    rule = {"metric": "accuracy", "least_gain": 0.05}
    made = await serve(member, training=first["id"], promotion=rule)
    here = f"{HERE}/{made['id']}"
    await running(web, made["id"], 1)
    await web.context.promotions.carry_out()
    assert (await member.get(f"{here}/verdicts")).json()["items"] == []

    for value, live, said in (
        (0.82, 1, "higher by 0.02, and at least 0.05 is asked for"),
        (None, 1, "has no value of accuracy"),
        (0.9, 2, "it is higher, so it went live"),
        (0.85, 2, "it is not higher"),
    ):
        training = await trained(web, member, disk, "")
        await web.context.promotions.carry_out()
        assert len((await member.get(f"{here}/verdicts")).json()["items"]) == training["number"] - 2, "not read yet"
        await measured(web, training, value)
        await web.context.promotions.carry_out()
        await web.context.promotions.carry_out()
        verdict = (await member.get(f"{here}/verdicts")).json()["items"][0]
        assert (verdict["number"], said in verdict["message"]) == (training["number"], True), verdict
        now = (await member.get(here)).json()
        assert (now["live"], verdict["promoted"]) == (live, value == 0.9)
    assert now["versions"][0]["source"] == "hello #4"


async def test_a_better_model_that_is_not_there(web: Web, member: httpx.AsyncClient, disk: Path) -> None:
    first = await trained(web, member, disk, "")
    made = await serve(member, training=first["id"], promotion={"metric": "accuracy", "bound": 0.5})
    await running(web, made["id"], 1)
    await measured(web, await trained(web, member, disk), 0.9)
    await web.context.promotions.carry_out()
    (verdict,) = (await member.get(f"{HERE}/{made['id']}/verdicts")).json()["items"]
    assert (verdict["promoted"], "There is no SavedModel" in verdict["message"]) == (False, True)
    bad = await member.patch(f"{HERE}/{made['id']}", json={"promotion": {"metric": "x", "least_gain": -1}})
    assert [error["pointer"] for error in bad.json()["errors"]] == ["/promotion/least_gain"]
    declared = {"metric": {"tag": "latency", "better": "lower", "run": "eval"}}
    assert (await member.patch("/api/v1/projects/hello", json=declared, headers={"If-Match": "*"})).is_success
    asked = await member.patch(f"{HERE}/{made['id']}", json={"promotion": {"bound": 3}})
    told = {"metric": "latency", "better": "lower", "run": "eval", "bound": 3.0, "least_gain": 0.0}
    assert asked.json()["promotion"] == told
    off = await member.patch(f"{HERE}/{made['id']}", json={"promotion": None})
    assert off.json()["promotion"] is None
