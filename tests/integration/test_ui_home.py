"""Home: of one's own or of everybody's, what is free, and a first run in one click."""

from __future__ import annotations

from html import unescape

from app.db import cluster_nodes
from app.db.cluster_nodes import NodeRow
from app.domain.access import UserRole
from tests.support.pages import write
from tests.support.projects import IMAGE, make_project, start
from tests.support.visitor import logged_in
from tests.support.web import Web


async def test_mine_and_everybodys(web: Web) -> None:
    async with logged_in(web, "ada") as ada, logged_in(web, "bo") as bo:
        await make_project(ada, "adas")
        await make_project(bo, "bos")
        failed = await start(ada, "adas")
        await start(bo, "bos")
        message = "worker-0 ran out of memory."
        await write(web, failed["id"], state="failed", reason="out_of_memory", message=message)
        mine = (await ada.get("/")).text
        assert "adas #1" in mine
        assert message in mine
        assert "bos #1" not in mine
        everybody = (await ada.get("/?all=true")).text
        assert "bos #1" in everybody
        assert "adas #1" in everybody
    async with logged_in(web, "vic", UserRole.VIEWER) as viewer:
        page = (await viewer.get("/")).text
        assert "bos #1" in page
        assert "adas #1" in page


async def test_what_is_next_by_schedule_is_ones_own_too(web: Web) -> None:
    async with logged_in(web, "ada") as ada, logged_in(web, "bo") as bo:
        for client, name in ((ada, "adas"), (bo, "bos")):
            await make_project(client, name, schedule={"cron": "0 3 * * *", "timezone": "UTC"})
        await start(ada, "adas")
        everybody, mine = (await ada.get("/?all=true")).text, (await ada.get("/")).text
        link = '<a class="main" href="/projects/{}">'
        assert [link.format(name) in everybody for name in ("adas", "bos")] == [True, True]
        assert [link.format(name) in mine for name in ("adas", "bos")] == [True, False]


async def test_what_is_free_is_told_as_the_cluster_page_tells_it(web: Web) -> None:
    has = {"cpu": "16", "memory": "64Gi", "pods": "110", "nvidia.com/gpu": "4"}
    async with web.context.database.transaction() as connection:
        asked = {"cpu": "2500m", "memory": "16Gi", "nvidia.com/gpu": "3"}
        labels = {"nvidia.com/gpu.product": "NVIDIA-A100"}
        await cluster_nodes.replace_all(connection, [NodeRow("n", "yes", has, asked, labels=labels)])
    async with logged_in(web, "ada") as client:
        page = (await client.get("/")).text
        for words in ("13.5 cores", "48 GiB", '<span class="big">1</span>'):
            assert words in page, words
        assert "NVIDIA-A100" in (await client.get("/cluster")).text
        assert (await client.get("/api/v1/cluster")).json()["nodes"][0]["labels"] == labels


async def test_the_example_starts_in_one_click(web: Web) -> None:
    async with logged_in(web, "ada", UserRole.ADMIN) as client:
        first = (await client.get("/")).text
        assert "Upload the example and start it" in first
        refused = await client.post("/example")
        assert refused.status_code == 422
        assert "There is no default image yet" in unescape(refused.text)
        image = {"name": "python", "reference": IMAGE, "framework": "plain", "is_default": True}
        await client.post("/api/v1/images", json=image)
        started = await client.post("/example")
        assert started.headers["location"].startswith("/trainings/"), started.text
        training = (await client.get(f"/api/v1{started.headers['location']}")).json()
        assert (training["project"], training["number"], training["tasks"]["total"]) == ("first-steps", 1, 2)
        code = await client.get("/api/v1/algorithms/first-steps/versions/1/files/run.sh")
        assert code.text.startswith("#!/usr/bin/env bash")
        assert (await client.get("/api/v1/algorithms/first-steps/versions/1")).json()["findings"] == []
        again = await client.post("/api/v1/example")
        assert (again.status_code, again.json()["number"]) == (202, 2)
        assert again.headers["location"] == f"/api/v1/trainings/{again.json()['id']}"
        assert "Upload the example" not in (await client.get("/")).text
    async with web.client_of("vic", UserRole.VIEWER) as viewer:
        assert (await viewer.post("/api/v1/example")).status_code == 403
