"""A project's declared metric: it says what better means, on the pages and in the API, and wins over the name."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.db import metric_series
from app.domain.access import UserRole
from app.domain.metric import Point, Series, extended
from tests.support.projects import make_project, start
from tests.support.visitor import logged_in
from tests.support.web import Web

SPEED = {"tag": "seconds", "better": "lower", "run": None}
STORAGE = {"name": "disk", "kind": "local", "config": {"path": "/srv/taas", "node": "n1"}}


async def wrote(web: Web, training: dict[str, Any], **tags: float) -> None:
    async with web.context.database.transaction() as connection:
        found = [extended(Series(".", tag), [Point(1, 1.0, value)]) for tag, value in tags.items()]
        await metric_series.save(connection, UUID(training["id"]), found, {})


async def test_what_is_declared_is_first_and_says_so(web: Web) -> None:
    async with web.client_of("root", UserRole.ADMIN) as admin:
        await admin.post("/api/v1/storages", json=STORAGE)
    async with logged_in(web, "ada") as client:
        project = await make_project(client, storage="disk", metric=SPEED)
        assert project["metric"] == SPEED
        first, second = await start(client), await start(client)
        await wrote(web, first, accuracy=0.9, seconds=30.0)
        await wrote(web, second, accuracy=0.8, seconds=20.0)
        answer = (await client.get("/api/v1/projects/hello/metrics/recent")).json()
        best = [(one["tag"], one["lower_is_better"], one["declared"], one["training"]) for one in answer["best"]]
        assert best == [("seconds", True, True, second["id"]), ("accuracy", False, False, first["id"])]
        page = (await client.get("/projects/hello")).text
        assert "the lowest, at step 1; lower is better, as the project declares" in page
        assert "higher is better, going by its name" in page
        compared = (await client.get("/projects/hello/compare")).text
        assert compared.index("<strong>seconds</strong>") < compared.index("<strong>accuracy</strong>")
        assert '<strong>20</strong><span class="sub">best</span>' in compared


async def test_the_form_the_history_and_a_clone_have_it(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client)
        fields = {
            "name": "hello", "algorithm": "hello", "framework": "plain", "image": "registry.example.com/python:3",
            "roles.worker.count": "1", "metric.tag": "seconds", "metric.better": "lower", "metric.run": "eval",
        }  # fmt: skip
        assert (await client.post("/projects/hello/edit", data=fields)).status_code == 303
        assert 'value="seconds"' in (await client.get("/projects/hello/edit")).text
        [edit, _] = (await client.get("/api/v1/projects/hello/revisions")).json()["items"]
        changed = {one["field"]: one["after"] for one in edit["changes"]}
        assert changed == {"/metric/tag": "seconds", "/metric/better": "lower", "/metric/run": "eval"}
        clone = (await client.post("/api/v1/projects/hello/clone", json={"name": "other"})).json()
        assert clone["metric"] == {"tag": "seconds", "better": "lower", "run": "eval"}
        body = {"metric": {"tag": " "}}
        wrong = await client.patch("/api/v1/projects/other", json=body, headers={"If-Match": '"1"'})
        assert [error["pointer"] for error in wrong.json()["errors"]] == ["/metric/tag"]
        gone = await client.patch("/api/v1/projects/other", json={"metric": None}, headers={"If-Match": '"1"'})
        assert gone.json()["metric"] is None
