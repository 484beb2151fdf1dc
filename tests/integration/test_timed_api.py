"""Timed projects through the API: made, edited, paused, resumed, seen in the calendar."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import insert, select, text, update

from app.db.ids import new_id
from app.db.tables import schedule_changes, schedules
from tests.support.projects import make_project, start
from tests.support.web import Web

MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
HOURLY = {"cron": "0 * * * *", "overlap": "replace"}


async def project(client: httpx.AsyncClient, name: str = "hello") -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/api/v1/projects/{name}")).json()
    return found


async def back(web: Web, hours: float) -> None:
    """As if everything had been set so many hours earlier."""
    async with web.context.database.transaction() as connection:
        await connection.execute(
            text("""
                UPDATE schedules SET handled_until = handled_until - ago, anchor = anchor - ago,
                    paused_at = paused_at - ago, next_at = CASE WHEN paused_at IS NULL THEN next_at - ago END
                FROM (SELECT make_interval(hours => :hours)) AS past(ago)
            """),
            {"hours": hours},
        )


async def due_times(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get("/api/v1/projects/hello/due-times", params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_timed_project_knows_when_it_is_due(web: Web, admin: httpx.AsyncClient) -> None:
    made = await make_project(admin, schedule=HOURLY)
    next_at = datetime.fromisoformat(made["timing"]["next_at"])
    assert timedelta(0) < next_at - datetime.now(UTC) <= timedelta(hours=1)
    assert (next_at.minute, next_at.second) == (0, 0)
    assert (await project(admin))["timing"] == made["timing"]
    await make_project(admin, "normal")
    assert (await project(admin, "normal"))["timing"] is None


async def test_pause_and_resume_fire_nothing_old(web: Web, admin: httpx.AsyncClient) -> None:
    await make_project(admin, schedule=HOURLY)
    paused = (await admin.post("/api/v1/projects/hello/schedule/pause")).json()["timing"]
    assert (paused["next_at"], paused["paused_by"], paused["paused_reason"]) == (None, "ada", "person")
    again = (await admin.post("/api/v1/projects/hello/schedule/pause")).json()["timing"]
    assert again == paused
    await back(web, 5)
    assert (await web.context.firing.fire()).schedules == 0
    resumed = (await admin.post("/api/v1/projects/hello/schedule/resume")).json()["timing"]
    assert resumed["paused_at"] is None
    assert (await web.context.firing.fire()).trainings == 0
    rows = await due_times(admin)
    assert [(row["outcome"], row["cause"], row["message"]) for row in rows] == [
        ("missed", "paused", rows[0]["message"])
    ] * 5
    assert re.fullmatch(f"The schedule was paused from {MOMENT} to {MOMENT} \\(by ada\\)\\.", rows[0]["message"])
    assert len(await due_times(admin, limit=2)) == 2
    assert (await project(admin))["timing"]["next_at"] > datetime.now(UTC).isoformat()


async def test_who_resumes_may_ask_for_the_latest(web: Web, admin: httpx.AsyncClient) -> None:
    await make_project(admin, schedule=HOURLY)
    await admin.post("/api/v1/projects/hello/schedule/pause")
    await back(web, 3)
    await admin.post("/api/v1/projects/hello/schedule/resume", json={"catch_up": "latest"})
    assert (await web.context.firing.fire()).trainings == 1
    assert [row["outcome"] for row in await due_times(admin)] == ["started", "missed", "missed"]
    rows = await due_times(admin)
    assert [row["state"] for row in rows] == ["queued", None, None]
    assert re.fullmatch(
        f"The schedule was paused from {MOMENT} to {MOMENT} \\(by ada\\); of several missed times only the latest is "
        "made up for\\.",
        rows[1]["message"],
    )


async def test_each_due_time_names_its_own_pause(web: Web, admin: httpx.AsyncClient) -> None:
    """Two pauses with a time between them, all while no worker ran; then the schedule is edited."""
    made = await make_project(admin, schedule=HOURLY)
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    changes = [(8.5, "paused", "ada"), (6.5, "resumed", "bob"), (3.5, "paused", "bob"), (1.5, "resumed", "bob")]
    when = [hour - timedelta(hours=hours) for hours, _, _ in changes]
    async with web.context.database.transaction() as connection:
        project_id = (await connection.execute(select(schedules.c.project_id))).scalar_one()
        await connection.execute(
            insert(schedule_changes),
            [
                {"id": new_id(), "project_id": project_id, "at": at, "by": by, "change": change}
                for at, (_, change, by) in zip(when, changes, strict=True)
            ],
        )
        # As the service leaves it: the second pause is widened over the first, of which nothing was handled.
        await connection.execute(
            update(schedules).values(
                handled_until=hour - timedelta(hours=9.5),
                paused_at=when[0],
                paused_by="bob",
                paused_reason="person",
                resumed_at=when[3],
                next_at=hour - timedelta(hours=9),
            )
        )
    await admin.patch(
        "/api/v1/projects/hello",
        json={"schedule": {"interval": "PT30M"}},
        headers={"If-Match": f'"{made["revision"]}"'},
    )
    first, second, third, fourth = (at.isoformat().replace("+00:00", "Z") for at in when)
    changed = "The schedule was changed before anything could be started for that time."
    by_ada = f"The schedule was paused from {first} (by ada) to {second} (ended by bob)."
    by_bob = f"The schedule was paused from {third} to {fourth} (by bob)."
    rows = await due_times(admin)
    assert [(row["cause"], row["message"]) for row in reversed(rows)] == [
        (None, changed),
        *[("paused", by_ada)] * 2,
        *[(None, changed)] * 3,
        *[("paused", by_bob)] * 2,
        *[(None, changed)] * 2,
    ]


async def test_an_edit_never_fires_the_past(web: Web, admin: httpx.AsyncClient) -> None:
    made = await make_project(admin, schedule=HOURLY)
    await back(web, 4)
    body = {"schedule": {"interval": "PT30M"}}
    headers = {"If-Match": f'"{made["revision"]}"'}
    edited = await admin.patch("/api/v1/projects/hello", json=body, headers=headers)
    assert edited.status_code == 200, edited.text
    left = datetime.fromisoformat(edited.json()["timing"]["next_at"]) - datetime.now(UTC)
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)
    assert (await web.context.firing.fire()).schedules == 0
    rows = await due_times(admin)
    assert [row["message"] for row in rows] == [
        "The schedule was changed before anything could be started for that time."
    ] * 4
    normal = await admin.patch(
        "/api/v1/projects/hello", json={"schedule": None}, headers={"If-Match": edited.headers["ETag"]}
    )
    assert normal.json()["timing"] is None
    assert (await admin.post("/api/v1/projects/hello/schedule/pause")).status_code == 409


async def test_a_deleted_project_is_never_due(web: Web, admin: httpx.AsyncClient) -> None:
    made = await make_project(admin, schedule=HOURLY)
    gone = await admin.delete("/api/v1/projects/hello", headers={"If-Match": f'"{made["revision"]}"'})
    assert gone.status_code == 204
    async with web.context.database.read() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM schedules"))).scalar_one() == 0


async def test_only_the_owner_and_admins_pause(member: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    await make_project(admin, schedule=HOURLY)
    assert (await member.post("/api/v1/projects/hello/schedule/pause")).status_code == 403
    assert (await member.post("/api/v1/projects/nobody/schedule/pause")).status_code == 404
    assert (await member.get("/api/v1/projects/hello/due-times")).status_code == 200


async def test_a_start_says_what_it_would_replace(web: Web, admin: httpx.AsyncClient) -> None:
    await make_project(admin, schedule=HOURLY)
    preview = (await admin.post("/api/v1/projects/hello/preview")).json()["handover"]
    assert preview == {"verdict": "start", "message": "", "replaces": []}
    first = await start(admin)
    preview = (await admin.post("/api/v1/projects/hello/preview")).json()["handover"]
    assert (preview["verdict"], preview["replaces"]) == ("replace", [first["id"]])
    second = await start(admin)
    assert second["replaces"] == first["id"]
    assert (await admin.get(f"/api/v1/trainings/{first['id']}")).json()["replaced_by"] == second["id"]
    assert (await admin.post(f"/api/v1/trainings/{first['id']}/release")).status_code == 409


async def test_the_calendar_shows_what_was_and_what_comes(web: Web, admin: httpx.AsyncClient) -> None:
    await make_project(admin, schedule=HOURLY)
    await make_project(admin, "other")
    await back(web, 2)
    await web.context.firing.fire()
    await start(admin, "other")
    now = datetime.now(UTC)
    span = {"from": (now - timedelta(hours=3)).isoformat(), "to": (now + timedelta(hours=5)).isoformat()}
    found = (await admin.get("/api/v1/calendar", params=span)).json()
    assert [(run["project"], run["outcome"]) for run in found["past"]] == [
        ("hello", "missed"),
        ("hello", "started"),
        ("other", None),
    ]
    assert len(found["coming"]) == 5
    assert found["complete"] is True
    far = {"from": span["from"], "to": (now + timedelta(days=90)).isoformat()}
    refused = await admin.get("/api/v1/calendar", params=far)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/to")
    ancient = {"from": "0001-01-01T00:00:00+14:00", "to": "0001-01-02T00:00:00+14:00"}
    assert (await admin.get("/api/v1/calendar", params=ancient)).status_code == 422
