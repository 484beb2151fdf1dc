"""The schedule of a project through the API, and what is told about it beforehand."""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx
from sqlalchemy import text

from tests.support.pages import run
from tests.support.projects import make_project, start
from tests.support.web import Web

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


async def test_a_clone_has_the_same_schedule_and_starts_paused(member: httpx.AsyncClient) -> None:
    made = await make_project(member, schedule=NIGHTLY)
    clone = (await member.post("/api/v1/projects/hello/clone", json={"name": "other"})).json()
    assert clone["schedule"] == made["schedule"]
    assert (clone["timing"]["next_at"], clone["timing"]["paused_by"]) == (None, "mel")
    resumed = await member.post("/api/v1/projects/other/schedule/resume", json={})
    assert resumed.json()["timing"]["next_at"] == made["timing"]["next_at"]


async def test_a_preview_needs_no_project(member: httpx.AsyncClient) -> None:
    body = {"cron": "30 2 * * *", "timezone": "Asia/Shanghai", "start": "2027-01-01T00:00:00Z"}
    told = await member.post("/api/v1/schedules/preview", json=body)
    assert told.status_code == 200, told.text
    answer = told.json()
    assert answer["description"] == "At 02:30 every day"
    assert answer["next"][:2] == ["2027-01-02T02:30:00+08:00", "2027-01-03T02:30:00+08:00"]
    assert answer["next_utc"][0] == "2027-01-01T18:30:00Z"
    assert (len(answer["next"]), answer["warnings"], answer["forecast"]) == (10, [], [])


async def test_days_on_which_the_clocks_change_are_marked(member: httpx.AsyncClient) -> None:
    body = {"cron": "30 2 * * *", "timezone": "Europe/Berlin", "start": "2027-03-25T00:00:00Z"}
    (warning,) = (await member.post("/api/v1/schedules/preview", json=body)).json()["warnings"]
    assert warning["at"] == "2027-03-28T03:00:00+02:00"
    assert warning["text"].startswith("02:30 does not exist that day")


async def test_a_wrong_schedule_is_refused_by_its_own_pointers(member: httpx.AsyncClient) -> None:
    refused = await member.post("/api/v1/schedules/preview", json={"cron": "0 0 31 2 *", "timezone": "Mars"})
    assert refused.status_code == 422
    assert {error["pointer"] for error in refused.json()["errors"]} == {"/cron", "/timezone"}


async def test_the_preview_of_a_project_knows_how_long_its_trainings_take(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member, schedule={"cron": "0 */2 * * *", "overlap": "replace"})
    address = "/api/v1/projects/hello/schedule/preview"
    assert (await member.post(address)).json()["forecast"] == []
    for _ in range(4):
        await start(member)
    ended = text(
        "UPDATE trainings SET state = 'succeeded', reason = 'completed', starting_at = created_at, "
        "finished_at = created_at + interval '3 hours 40 minutes'"
    )
    async with web.context.database.transaction() as connection:
        await connection.execute(ended)
    own = (await member.post(address)).json()
    assert own["forecast"] == [
        "The last four runs took 3 h 40 min in the median; with a period of 2 h and `replace`, every run would be "
        "killed before its end."
    ]
    other = (await member.post(address, json={"interval": "P1D"})).json()
    assert "no run should meet the next one" in other["forecast"][0]


async def test_an_interval_counts_on_in_the_preview_when_it_would_on_saving(
    web: Web, member: httpx.AsyncClient
) -> None:
    made = await make_project(member, schedule={"interval": "PT6H"})
    await run(web, "UPDATE schedules SET anchor = anchor - interval '1 hour'")
    for schedule, kept in (({"interval": "PT6H", "overlap": "queue"}, True), ({"interval": "PT7H"}, False)):
        told = (await member.post("/api/v1/projects/hello/schedule/preview", json=schedule)).json()
        saved = (await member.patch("/api/v1/projects/hello", json={"schedule": schedule}, headers=ANY)).json()
        due = datetime.fromisoformat(told["next_utc"][0])
        assert abs(due - datetime.fromisoformat(saved["timing"]["next_at"])) <= timedelta(seconds=10)
        before = datetime.fromisoformat(made["timing"]["next_at"]) - timedelta(hours=1)
        assert (due == before) is kept


async def test_a_normal_project_has_nothing_to_preview_but_what_is_sent(member: httpx.AsyncClient) -> None:
    await make_project(member)
    address = "/api/v1/projects/hello/schedule/preview"
    assert (await member.post(address)).status_code == 409
    assert (await member.post(address, json={"cron": "@daily"})).json()["description"] == "At 00:00 every day"
    assert (await member.post("/api/v1/projects/nope/schedule/preview")).status_code == 404
