"""Search: what is found, by whom, by which index; the box and the API tell the same."""

from __future__ import annotations

from html import unescape
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.domain.access import UserRole
from tests.support.pages import write
from tests.support.projects import IMAGE, make_algorithm, make_project, start
from tests.support.visitor import logged_in
from tests.support.web import Web


async def find(client: httpx.AsyncClient, q: str) -> list[tuple[str, str]]:
    answer = await client.get("/api/v1/search", params={"q": q})
    assert answer.status_code == 200, answer.text
    return [(one["kind"], one["title"]) for one in answer.json()["items"]]


async def test_everything_with_a_name_a_number_or_a_reason_is_found(web: Web) -> None:
    async with logged_in(web, "ada", UserRole.ADMIN) as client:
        await make_algorithm(client, "mnist-ps")
        await make_project(client, "digits-nightly")
        await make_project(client, "digits-hourly")
        image = {"name": "torch-cpu", "reference": IMAGE, "framework": "pytorch"}
        assert (await client.post("/api/v1/images", json=image)).status_code == 201
        first = await start(client, "digits-nightly")
        await start(client, "digits-hourly")
        second = await start(client, "digits-nightly")
        await write(web, second["id"], state="failed", reason="out_of_memory", message="<b>worker-0 was killed")

        assert await find(client, "dig") == [("project", "digits-hourly"), ("project", "digits-nightly")]
        assert await find(client, "digits night") == [("project", "digits-nightly")]
        assert await find(client, "nightly-dig") == [("project", "digits-nightly")]
        assert await find(client, "igits") == []
        assert await find(client, "MNIST") == [("algorithm", "mnist-ps")]
        assert ("image", "torch-cpu") in await find(client, "torch")
        assert await find(client, "registry.example.com/py") == [("image", "torch-cpu")]
        assert await find(client, "nightly 2") == [("training", "digits-nightly #2")]
        assert ("training", "digits-nightly #2") in await find(client, "#2")
        assert ("training", "digits-nightly #1") in await find(client, first["id"])
        assert ("training", "digits-nightly #1") in await find(client, first["id"][:13])
        memory = await find(client, "out of mem")
        assert memory == [("training", "digits-nightly #2"), ("page", "Trainings: out of memory")]
        assert ("page", "Audit log") in await find(client, "audit")
        for nothing in ("", " ", "'", "&|!:*()", "\\", "é", "%", "zzz"):
            assert await find(client, nothing) == [], nothing
        assert (await client.get("/api/v1/search", params={"q": "x" * 101})).status_code == 422

        box = await client.get("/search", params={"q": "mem"}, headers={"HX-Request": "true"})
        assert "<html" not in box.text
        assert "<b>worker" not in box.text
        assert "<b>worker" in unescape(box.text)
        page = await client.get("/search", params={"q": "mem"})
        assert "digits-nightly #2" in page.text
        assert f'href="/trainings/{second["id"]}"' in page.text
    async with web.client_of("vic", UserRole.VIEWER) as viewer:
        assert ("page", "Audit log") not in await find(viewer, "audit")
    async with web.client() as nobody:
        assert (await nobody.get("/api/v1/search?q=a")).status_code == 401


async def test_every_address_that_is_found_leads_somewhere(web: Web) -> None:
    async with logged_in(web, "ada", UserRole.ADMIN) as client:
        await make_project(client, "home.made_project")
        image = {"name": "home-image", "reference": IMAGE, "framework": "plain"}
        await client.post("/api/v1/images", json=image)
        training = await start(client, "home.made_project")
        for q in ("home", training["id"], "c", "t", "n", "a", "p", "s", "u", "r"):
            for hit in (await client.get("/api/v1/search", params={"q": q})).json()["items"]:
                assert (await client.get(hit["path"])).status_code == 200, hit


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (
            "SELECT name FROM projects WHERE to_tsvector('simple'::regconfig, translate(name, '-_./:@', '      ')) "
            "@@ to_tsquery('simple'::regconfig, 'dig:*')",
            "ix_projects_words",
        ),
        ("SELECT * FROM trainings WHERE reason = 'quota' ORDER BY id DESC LIMIT 6", "ix_trainings_reason"),
        (
            "SELECT * FROM trainings WHERE version_id = '0199aaaa-0000-7000-8000-000000000000' "
            "ORDER BY id DESC LIMIT 51",
            "ix_trainings_version",
        ),
    ],
)
async def test_what_is_searched_has_an_index(web: Web, statement: str, index: str) -> None:
    async with web.context.database.transaction() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan: list[Any] = list((await connection.execute(text(f"EXPLAIN {statement}"))).scalars())
    assert any(index in line for line in plan), "\n".join(plan)
