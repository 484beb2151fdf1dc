"""The pages of timed projects: the form with its preview."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.integration.test_ui_projects import FORM, errors_in, sent_by
from tests.support.projects import make_project
from tests.support.visitor import logged_in
from tests.support.web import Web

TIMED = {
    "schedule.starts": "cron",
    "schedule.cron": "30 2 * * *",
    "schedule.timezone": "Europe/Berlin",
    "schedule.start": "2099-01-31T03:00",
    "schedule.overlap": "queue",
    "schedule.queue_limit": "3",
    "schedule.catch_up": "all",
    "schedule.catch_up_window": "2 d",
    "schedule.stop_after_failures": "5",
    "schedule.succeed_within": "4 h",
    "schedule.notice_slow": "yes",
}
HX = {"HX-Request": "true"}


async def test_a_timed_project_is_made_and_its_form_reads_back_the_same(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client)
        answer = await client.post("/projects", data={**FORM, "algorithm": "hello", "name": "nightly", **TIMED})
        assert answer.status_code == 303, errors_in(answer)
        made = (await client.get("/api/v1/projects/nightly")).json()["schedule"]
        assert made["cron"] == "30 2 * * *"
        assert made["start"] == "2099-01-31T02:00:00Z"
        assert (made["overlap"], made["queue_limit"], made["catch_up_window"]) == ("queue", 3, "P2D")
        assert (made["stop_after_failures"], made["succeed_within"], made["notice_slow"]) == (5, "PT4H", True)
        form = await client.get("/projects/nightly/edit")
        sent = {key: value for key, value in sent_by(form.text).items() if not key.startswith("schedule.starts")}
        again = await client.post("/projects/nightly/edit", data={**sent, **TIMED})
        assert again.status_code == 303, errors_in(again)
        assert (await client.get("/api/v1/projects/nightly")).json()["schedule"] == made
        none = await client.post(
            "/projects/nightly/edit", data={**sent, "revision": "2", **TIMED, "schedule.starts": "hand"}
        )
        assert none.status_code == 303
        assert (await client.get("/api/v1/projects/nightly")).json()["schedule"] is None


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"schedule.cron": "0 0 31 2 *"}, "cron", "never due"),
        ({"schedule.cron": "* * *"}, "cron", "has 3 fields"),
        ({"schedule.timezone": "Europe/Berlim"}, "timezone", "did you mean Europe/Berlin"),
        ({"schedule.end": "2099-01-01T00:00"}, "end", "before the start"),
        ({"schedule.end": "tomorrow"}, "end", "not a date and time"),
        ({"schedule.starts": "interval"}, "interval", "such as 6 h"),
        ({"schedule.starts": "interval", "schedule.interval": "1 s"}, "interval", "PT1M"),
        ({"schedule.queue_limit": "0"}, "queue_limit", "use 1 to 100"),
        ({"schedule.overlap": "nonsense"}, "overlap", "Choose one of"),
    ],
)
async def test_what_cannot_be_kept_is_said_beside_its_field_and_in_the_preview(
    web: Web, changes: dict[str, str], field: str, sentence: str
) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client)
        form = {**FORM, "algorithm": "hello", "name": "nightly", **TIMED, **changes}
        refused = await client.post("/projects", data=form)
        assert refused.status_code == 422
        assert re.search(rf'id="f-schedule-{field}-wrong".*?{sentence}', refused.text, re.S)
        preview = await client.post("/schedule/preview", data=form, headers=HX)
        assert preview.status_code == 200
        assert sentence in preview.text


async def test_the_preview_says_when_in_words_and_ten_times_and_what_the_clocks_do(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        form = {**TIMED, "schedule.start": "2099-03-26T00:00"}
        preview = await client.post("/schedule/preview", data=form, headers=HX)
        assert "<html" not in preview.text
        assert "At 02:30 every day" in preview.text
        assert preview.text.count("<tr>") == 11
        assert "Thu 26 Mar 2099, 02:30" in preview.text
        assert "Sun 29 Mar 2099, 03:00" in preview.text
        assert "the clocks go from 02:00 to 03:00" in preview.text
        assert 'datetime="2099-03-26T01:30:00.000+00:00"' in preview.text
        assert (await client.post("/schedule/preview", data={}, headers=HX)).text.strip() == ""


async def test_without_script_the_whole_form_comes_back_with_the_preview(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client)
        form = {**FORM, "algorithm": "hello", "name": "typed", **TIMED}
        page: httpx.Response = await client.post("/schedule/preview", data=form)
        assert 'value="typed"' in page.text
        assert "At 02:30 every day" in page.text
        await client.post("/projects", data=form)
        saved = await client.post("/schedule/preview", data={**form, "revision": "1", "schedule.cron": "@weekly"})
        assert "Edit typed" in saved.text
        assert "At 00:00 on Sunday" in saved.text


async def test_the_form_begins_with_the_persons_own_zone(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        assert 'name="schedule.timezone" type="text" value="UTC"' in (await client.get("/new/project")).text
        client.cookies.set("taas_zone", "Asia/Tokyo")
        assert 'value="Asia/Tokyo"' in (await client.get("/new/project")).text
        client.cookies.set("taas_zone", "No/Where")
        assert 'name="schedule.timezone" type="text" value="UTC"' in (await client.get("/new/project")).text
