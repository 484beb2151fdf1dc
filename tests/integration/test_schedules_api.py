"""The schedule of a project through the API, and what is told about it beforehand."""

from __future__ import annotations

import httpx

from tests.support.projects import make_project

NIGHTLY = {"cron": "0 3 * * *", "timezone": "Europe/Berlin"}
ANY = {"If-Match": "*"}


async def test_a_schedule_is_replaced_whole_or_taken_away(member: httpx.AsyncClient) -> None:
    made = await make_project(member, schedule={**NIGHTLY, "overlap": "queue"})
    assert made["schedule"]["overlap"] == "queue"
    kept = (await member.patch("/api/v1/projects/hello", json={"notes": "x"}, headers=ANY)).json()
    assert kept["schedule"] == made["schedule"]
    changed = await member.patch("/api/v1/projects/hello", json={"schedule": {"interval": "PT6H"}}, headers=ANY)
    assert changed.status_code == 200, changed.text
    schedule = changed.json()["schedule"]
    assert (schedule["cron"], schedule["interval"], schedule["overlap"]) == (None, "PT6H", "skip")
    gone = await member.patch("/api/v1/projects/hello", json={"schedule": None}, headers=ANY)
    assert gone.json()["schedule"] is None


async def test_a_clone_has_the_same_schedule(member: httpx.AsyncClient) -> None:
    made = await make_project(member, schedule=NIGHTLY)
    clone = await member.post("/api/v1/projects/hello/clone", json={"name": "other"})
    assert clone.json()["schedule"] == made["schedule"]
