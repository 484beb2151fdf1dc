"""Backfills: due times of the past with bounded concurrency, seen and cancelled as one thing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.support.projects import make_project
from tests.support.web import Web

DAILY = {"cron": "0 3 * * *", "overlap": "replace", "start": "2026-01-01T00:00:00Z"}
WEEK = {"from": "2025-03-03T00:00:00Z", "to": "2025-03-10T00:00:00Z"}


async def begin(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    await make_project(client, schedule=DAILY)
    answer = await client.post("/api/v1/projects/hello/backfills", json={**WEEK, **body})
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def get(client: httpx.AsyncClient, made: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/api/v1/backfills/{made['id']}")).json()
    return found


async def trainings(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await client.get("/api/v1/trainings", params={"limit": 200})).json()["items"]
    return sorted(items, key=lambda training: training["number"])


async def end(web: Web, training: dict[str, Any], state: str = "succeeded") -> None:
    async with web.context.database.transaction() as connection:
        statement = "UPDATE trainings SET state = :state, finished_at = now(), archived_at = now() WHERE id = :id"
        await connection.execute(text(statement), {"id": training["id"], "state": state})


async def test_never_more_at_a_time_than_asked_for_and_all_in_the_end(web: Web, admin: httpx.AsyncClient) -> None:
    made = await begin(admin, concurrency=3, overrides={"notes": "again"})
    assert made["counts"] == {"waiting": 7, "active": 0, "succeeded": 0, "failed": 0, "stopped": 0, "cancelled": 0}
    advance = web.context.backfills.advance
    assert (await advance(), await advance()) == (3, 0)
    first = (await trainings(admin))[0]
    assert (first["trigger"], first["scheduled_for"], first["notes"]) == ("backfill", "2025-03-03T03:00:00Z", "again")
    while (await get(admin, made))["state"] == "running":
        live = [one for one in await trainings(admin) if one["state"] == "queued"]
        assert len(live) <= 3
        for place, one in enumerate(live):
            await end(web, one, "failed" if one["number"] == 2 and place else "succeeded")
        await advance()
    done = await get(admin, made)
    assert (done["state"], done["counts"]["succeeded"], done["counts"]["failed"]) == ("done", 6, 1)
    days = [training["scheduled_for"][:10] for training in await trainings(admin)]
    assert days == [f"2025-03-0{day}" for day in range(3, 10)]
    times = (await admin.get(f"/api/v1/backfills/{made['id']}/times")).json()["items"]
    assert [time["number"] for time in times] == [1, 2, 3, 4, 5, 6, 7]
    listed = (await admin.get("/api/v1/backfills", params={"project": "hello"})).json()["items"]
    assert [one["id"] for one in listed] == [made["id"]]


async def test_a_backfill_replaces_nothing_and_is_not_replaced(web: Web, admin: httpx.AsyncClient) -> None:
    await begin(admin)
    await web.context.backfills.advance()
    started = await admin.post("/api/v1/projects/hello/trainings")
    assert started.json()["replaces"] is None
    assert all(training["stop_requested_at"] is None for training in await trainings(admin))


async def test_cancelled_as_one_thing(web: Web, admin: httpx.AsyncClient, member: httpx.AsyncClient) -> None:
    made = await begin(admin, concurrency=2)
    await web.context.backfills.advance()
    address = f"/api/v1/backfills/{made['id']}/cancel"
    assert (await member.post(address)).status_code == 403
    cancelled = (await admin.post(address)).json()
    assert (cancelled["state"], cancelled["cancelled_by"]) == ("cancelled", "ada")
    assert (cancelled["counts"]["cancelled"], cancelled["counts"]["active"]) == (5, 2)
    assert all(training["stop_requested_by"] == "ada" for training in await trainings(admin))
    assert await web.context.backfills.advance() == 0
    assert (await admin.post(address)).json() == cancelled
    for one in await trainings(admin):
        await end(web, one, "stopped")
    counts = (await get(admin, made))["counts"]
    assert (counts["failed"], counts["stopped"], counts["cancelled"]) == (0, 2, 5), "what was stopped did not fail"


async def test_what_can_no_longer_be_started_says_why(web: Web, admin: httpx.AsyncClient) -> None:
    made = await begin(admin, concurrency=7)
    async with web.context.database.transaction() as connection:
        await connection.execute(text("UPDATE projects SET spec = jsonb_set(spec, '{run,storage}', '\"gone\"')"))
    await web.context.backfills.advance()
    times = (await admin.get(f"/api/v1/backfills/{made['id']}/times")).json()["items"]
    assert {time["message"] for time in times} == {"storage: The storage gone is gone; give the project another one."}
    await web.context.backfills.advance()
    assert (await get(admin, made))["state"] == "done"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"to": "2025-03-02T00:00:00Z"}, "/to"),
        ({"to": (datetime.now(UTC) + timedelta(days=2)).isoformat()}, "/to"),
        ({"from": "2020-01-01T00:00:00Z"}, "/to"),
        ({"from": "2025-03-03T04:00:00Z", "to": "2025-03-03T05:00:00Z"}, "/from"),
        ({"from": "0001-01-01T00:00:00+14:00"}, "/from"),
        ({"concurrency": 0}, "/concurrency"),
        ({"overrides": {"version": 9}}, "/version"),
    ],
)
async def test_an_impossible_one_is_refused(admin: httpx.AsyncClient, body: dict[str, Any], pointer: str) -> None:
    await make_project(admin, schedule=DAILY)
    refused = await admin.post("/api/v1/projects/hello/backfills", json={**WEEK, **body})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    assert not re.search(r"\d\.\d+Z", refused.text), "times are told to the second"


async def test_a_normal_project_has_none(admin: httpx.AsyncClient) -> None:
    await make_project(admin)
    assert (await admin.post("/api/v1/projects/hello/backfills", json=WEEK)).status_code == 409
