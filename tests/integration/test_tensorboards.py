"""TensorBoards by the API: what can be shown, who may do what, limits, and what a project takes with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.db import endpoint_status, endpoints
from app.db.claiming import Claim, Holder
from app.db.engine import Database
from app.domain.endpoints.endpoint import Endpoint, EndpointReason, Kind
from tests.support.projects import make_project, start
from tests.support.upstream import write
from tests.support.visitor import logged_in
from tests.support.web import HOST, Web

BOARDS = "/api/v1/tensorboards"


@pytest.fixture
async def furnished(web: Web, admin: httpx.AsyncClient, tmp_path: Path) -> httpx.AsyncClient:
    """An installation with a storage, an image with TensorBoard, and the project `hello`."""
    config = {"path": str(tmp_path), "node": "n", "taas_path": str(tmp_path)}
    image = {"name": "tf", "reference": "registry.example.com/tf:1", "framework": "tensorflow", "is_default": True}
    for path, body in (
        ("storages", {"name": "disk", "kind": "local", "config": config, "is_default": True}),
        ("images", image),
    ):
        assert (await admin.post(f"/api/v1/{path}", json=body)).status_code == 201
    await make_project(admin, storage="disk")
    return admin


async def opened(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post(BOARDS, json=body)
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"{BOARDS}/{made['id']}"
    return made


async def test_the_same_choice_again_is_the_same_one(furnished: httpx.AsyncClient, web: Web) -> None:
    one, two = await start(furnished), await start(furnished)
    whole = await opened(furnished, project="hello")
    assert (whole["trainings"], whole["state"], whole["idle_timeout"]) == (None, "starting", "PT30M")
    assert whole["url"] == f"http://{whole['id'].replace('-', '')}.localhost:8000"
    some = await opened(furnished, trainings=[two["id"], one["id"]])
    assert some["trainings"] == sorted([one["id"], two["id"]])
    assert (await opened(furnished, project="hello"))["id"] == whole["id"]
    assert (await opened(furnished, project="hello", trainings=[one["id"], two["id"]]))["id"] == some["id"]
    listed = (await furnished.get(BOARDS, params={"project": "hello"})).json()["items"]
    assert [board["id"] for board in listed] == [some["id"], whole["id"]]
    async with web.client_of("mel") as other:
        assert (await opened(other, project="hello"))["id"] != whole["id"]


async def test_what_cannot_be_shown_is_refused(furnished: httpx.AsyncClient) -> None:
    await make_project(furnished, "bare", storage=None)
    cases: list[tuple[dict[str, Any], int, list[str]]] = [
        ({}, 422, ["/project"]),
        ({"project": "nothing"}, 404, []),
        ({"project": ""}, 404, []),
        ({"trainings": []}, 422, ["/trainings"]),
        ({"trainings": ["01990000-0000-7000-8000-000000000001"]}, 422, ["/trainings"]),
        ({"trainings": ["no id"]}, 422, ["/trainings/0"]),
        ({"project": "bare"}, 422, ["/project"]),
        ({"project": "hello", "image": "x"}, 422, ["/image"]),
    ]
    for body, status, pointers in cases:
        answer = await furnished.post(BOARDS, json=body)
        told = (answer.status_code, [error["pointer"] for error in answer.json().get("errors", [])])
        assert told == (status, pointers), body


async def test_trainings_of_two_projects_are_not_mixed(furnished: httpx.AsyncClient) -> None:
    await make_project(furnished, "other", storage="disk")
    mixed = [(await start(furnished))["id"], (await start(furnished, "other"))["id"]]
    answer = await furnished.post(BOARDS, json={"trainings": mixed})
    assert (answer.status_code, "of one project" in answer.json()["detail"]) == (422, True)


async def test_who_may_do_what(
    furnished: httpx.AsyncClient, member: httpx.AsyncClient, viewer: httpx.AsyncClient
) -> None:
    board = await opened(furnished, project="hello")
    assert (await viewer.post(BOARDS, json={"project": "hello"})).status_code == 403
    assert (await viewer.get(f"{BOARDS}/{board['id']}")).status_code == 200
    assert (await member.delete(f"{BOARDS}/{board['id']}")).status_code == 403
    assert (await furnished.delete(f"{BOARDS}/{board['id']}")).status_code == 202
    assert (await furnished.get(f"{BOARDS}/01990000-0000-7000-8000-000000000001")).status_code == 404


async def test_one_person_has_only_so_many(furnished: httpx.AsyncClient, web: Web) -> None:
    trainings = [await start(furnished) for _ in range(6)]
    boards = [await opened(furnished, trainings=[one["id"]]) for one in trainings[:5]]
    refused = await furnished.post(BOARDS, json={"trainings": [trainings[5]["id"]]})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_tensorboards")
    await opened(furnished, trainings=[trainings[0]["id"]])  # one that runs is nothing new
    await furnished.delete(f"{BOARDS}/{boards[0]['id']}")
    await opened(furnished, trainings=[trainings[5]["id"]])


async def test_it_goes_with_its_project(furnished: httpx.AsyncClient, web: Web) -> None:
    board = await opened(furnished, project="hello")
    etag = (await furnished.get("/api/v1/projects/hello")).headers["ETag"]
    assert (await furnished.delete("/api/v1/projects/hello", headers={"If-Match": etag})).status_code == 204
    found = await _row(web, board["id"])
    assert (found.desired, found.stop_reason) == ("stopped", EndpointReason.PROJECT_DELETED)


async def test_starting_again_counts_only_when_it_is_over(furnished: httpx.AsyncClient, web: Web) -> None:
    board = await opened(furnished, project="hello")
    await write(web, board["id"], "state = 'running', launch = 1")
    await opened(furnished, project="hello")
    assert (await _row(web, board["id"])).starts == 1
    await write(web, board["id"], "state = 'stopped', ended_at = now()")
    await opened(furnished, project="hello")
    await opened(furnished, project="hello")
    found = await _row(web, board["id"])
    assert (found.starts, found.launch, found.live) == (2, 1, True)


async def test_claims_of_endpoints_are_fenced(furnished: httpx.AsyncClient, web: Web) -> None:
    board = await opened(furnished, project="hello")
    [stale] = await _claim(web.context.database, "a")
    async with web.context.database.transaction() as connection:
        await connection.execute(text("UPDATE endpoints SET claimed_until = now()"))
    [fresh] = await _claim(web.context.database, "b")
    status = endpoint_status.EndpointStatus.of(fresh.value)
    async with web.context.database.transaction() as connection:
        wrote = await endpoint_status.write(connection, stale.value, status, holder=Holder("a", stale.epoch))
        assert wrote is None
        assert await endpoint_status.write(connection, fresh.value, status, holder=Holder("b", fresh.epoch)) is not None
    await furnished.delete(f"{BOARDS}/{board['id']}")  # while it is being decided on
    async with web.context.database.transaction() as connection:
        assert await endpoint_status.release(connection, fresh.value, holder=Holder("b", fresh.epoch), wake_at=None)
    [again] = await _claim(web.context.database, "c")
    assert again.value.desired == "stopped"


async def test_old_ones_are_forgotten(furnished: httpx.AsyncClient, web: Web) -> None:
    old, new = (
        await opened(furnished, project="hello"),
        await opened(furnished, trainings=[(await start(furnished))["id"]]),
    )
    await write(web, old["id"], "state = 'stopped', launch = 1, ended_at = now() - interval '8 days'")
    await write(web, new["id"], "state = 'stopped', launch = 1, ended_at = now() - interval '6 days'")
    async with web.context.database.transaction() as connection:
        assert await endpoints.remove_ended(connection, Kind.TENSORBOARD, 7) == 1
    left = (await furnished.get(BOARDS)).json()["items"]
    assert [board["id"] for board in left] == [new["id"]]


async def test_taas_refuses_changes_that_come_from_an_endpoints_page(web: Web, furnished: httpx.AsyncClient) -> None:
    board = await opened(furnished, project="hello")
    async with logged_in(web, "ben") as person:
        for told in (
            {"Origin": board["url"], "Sec-Fetch-Site": "cross-site"},
            {"Origin": board["url"], "Sec-Fetch-Site": "same-site"},
        ):
            answer = await person.post("/tensorboards", data={"project": "hello"}, headers=told)
            assert (answer.status_code, "cross_site" in answer.text or "another site" in answer.text) == (403, True)
        own = await person.post("/tensorboards", data={"project": "hello"}, headers={"Origin": HOST})
        assert own.status_code == 303


async def _row(web: Web, endpoint_id: str) -> Endpoint:
    async with web.context.database.read() as connection:
        found = await endpoints.by_id(connection, endpoint_id)  # type: ignore[arg-type]
    assert found is not None
    return found


async def _claim(database: Database, worker: str) -> list[Claim[Endpoint]]:
    async with database.transaction() as connection:
        return await endpoint_status.ENDPOINTS.claim(connection, worker=worker, seconds=60, most=10)
