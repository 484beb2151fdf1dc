"""The pages of timed projects: the form with its preview, the project's card, due times, the calendar."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.integration.test_ui_projects import FORM, errors_in, sent_by
from tests.support.pages import run
from tests.support.projects import make_project, start
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
TIME = r"<time [^>]*>[^<]+</time>"


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
        ({"schedule.starts": "interval", "schedule.interval": "10 s"}, "interval", "Use 1 minute to 366 days"),
        ({"schedule.starts": "interval", "schedule.interval": "0"}, "interval", "Use 1 minute to 366 days"),
        ({"schedule.catch_up_window": "0"}, "catch_up_window", "Use 1 minute to 366 days"),
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


async def test_everything_that_is_wrong_is_said_at_once(web: Web) -> None:
    """Whether it cannot be read or cannot be kept; and nothing is said of what only stands in for it."""
    wrong = {
        "schedule.starts": "interval",
        "schedule.interval": "hourly",
        "schedule.end": "2099-01-01T00:00",
        "schedule.start_tolerance": "10 s",
        "schedule.stop_after_failures": "many",
    }
    async with logged_in(web, "ada") as client:
        await make_project(client)
        form = {**FORM, "algorithm": "hello", "name": "Nightly!", "roles.worker.count": "two", **TIMED, **wrong}
        refused = await client.post("/projects", data=form)
        assert "6 things to put right" in refused.text
        for field in ("interval", "end", "start_tolerance", "stop_after_failures"):
            assert f'id="f-schedule-{field}-wrong"' in refused.text
        assert 'id="f-name-wrong"' in refused.text
        assert 'id="f-roles-worker-count-wrong"' in refused.text
        preview = await client.post("/schedule/preview", data=form, headers=HX)
        assert preview.text.count('<p class="wrong">') == 4


async def test_the_preview_says_when_in_words_and_ten_times_and_what_the_clocks_do(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        form = {**TIMED, "schedule.start": "2099-03-26T00:00"}
        preview = await client.post("/schedule/preview", data=form, headers=HX)
        assert "<html" not in preview.text
        assert "At 02:30 every day" in preview.text
        assert preview.text.count("<time") == 20
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


async def test_a_timed_projects_page_says_when_and_pauses_and_resumes(web: Web) -> None:
    async with logged_in(web, "ada") as client, logged_in(web, "mel") as other:
        await make_project(client, schedule={"cron": "30 2 * * *", "timezone": "Europe/Berlin"})
        page = await client.get("/projects/hello")
        assert "At 02:30 every day" in page.text
        assert ">Active<" in page.text
        assert "Run now" in page.text
        assert "/projects/hello/pause" not in (await other.get("/projects/hello")).text
        assert (await other.post("/projects/hello/pause")).status_code == 403
        assert (await client.post("/projects/hello/pause")).status_code == 303
        paused = await client.get("/projects/hello")
        assert ">Paused<" in paused.text
        assert "by ada" in paused.text
        assert "Make up for the latest" in paused.text
        assert "Make up for all" not in paused.text  # all of them at once, and this project has one at a time
        assert (await other.post("/projects/hello/resume")).status_code == 403
        assert (await client.post("/projects/hello/resume", data={"catch_up": "nonsense"})).status_code == 303
        assert ">Active<" in (await client.get("/projects/hello")).text
        await make_project(client, "plain")
        assert "schedule-card" not in (await client.get("/projects/plain")).text
        assert (await client.post("/projects/plain/pause")).status_code == 409


async def test_all_is_made_up_for_where_all_can_train(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client, schedule={"cron": "30 2 * * *", "overlap": "queue", "catch_up_limit": 7})
        await client.post("/projects/hello/pause")
        assert "Make up for all, 7 at most" in (await client.get("/projects/hello")).text


async def test_failures_in_a_row_are_counted_where_they_have_a_limit(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client, "goes-on", schedule={"cron": "30 2 * * *"})
        await make_project(client, "gives-up", schedule={"cron": "30 2 * * *", "stop_after_failures": 3})
        assert "Failures in a row" not in (await client.get("/projects/goes-on")).text
        assert "<dt>Failures in a row</dt><dd>0 of 3" in (await client.get("/projects/gives-up")).text


@pytest.mark.parametrize(
    ("overlap", "sentence"),
    [("replace", "It replaces #1"), ("queue", "It waits for"), ("skip", "one training at a time")],
)
async def test_a_start_says_beforehand_what_it_would_replace_or_wait_for(web: Web, overlap: str, sentence: str) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client, schedule={"cron": "@daily", "overlap": overlap})
        assert "starts at once" in (await client.get("/projects/hello/launch")).text
        await start(client)
        for address in ("/projects/hello", "/projects/hello/launch"):
            assert sentence in (await client.get(address)).text, address
        again = await client.post("/projects/hello/start")
        assert again.status_code == (409 if overlap == "skip" else 303)
        if overlap == "replace":
            new, old = again.headers["location"], (await client.get("/api/v1/trainings")).json()["items"][1]["id"]
            assert f'<dt>Replaces</dt><dd><a href="/trainings/{old}">#1</a>' in (await client.get(new)).text
            assert f'<dt>Replaced by</dt><dd><a href="{new}">#2</a>' in (await client.get(f"/trainings/{old}")).text


async def test_due_times_say_what_became_of_them(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client, schedule={"interval": "PT1H", "overlap": "skip", "catch_up": "skip"})
        await passed(web, 60 * 60)
        page = await client.get("/projects/hello")
        assert ">Missed<" in page.text
        due = await client.get("/projects/hello/due-times")
        assert due.text.count("<tr><td") == 50
        older = re.search(r'href="(\?cursor=[^"]+)"', due.text)
        assert older is not None
        rest = await client.get("/projects/hello/due-times" + older[1])
        assert 5 < rest.text.count("<tr><td") <= 15


async def test_what_was_missed_in_a_pause_names_the_pause(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client, schedule={"interval": "PT1H", "overlap": "skip"})
        await client.post("/projects/hello/pause")
        await passed(web, 3 * 60)
        await client.post("/projects/hello/resume", data={"catch_up": "latest"})
        assert (await web.context.firing.fire()).trainings == 1
        for page in ("/projects/hello", "/projects/hello/due-times"):
            text = (await client.get(page)).text
            assert re.search(rf"The schedule was paused from {TIME} to {TIME} \(by ada\); of several", text), page


async def test_the_calendar_has_weeks_and_days_in_the_persons_zone(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        client.cookies.set("taas_zone", "Asia/Tokyo")
        await make_project(client, "nightly", schedule={"cron": "0 23 * * *", "timezone": "UTC"})
        await make_project(client, "often", schedule={"cron": "*/10 * * * *"})
        await start(client, "often")
        week = await client.get("/calendar?day=2099-03-26")
        assert "23 – 29 March 2099" in week.text
        assert week.text.count("+ 141 more</a>") == 7
        assert week.text.count('<span class="cut">often') == 3 * 7
        only = await client.get("/calendar?day=2099-03-26&project=nightly")
        assert len(re.findall(r">08:00</span><span class=\"name\"><span class=\"cut\">nightly", only.text)) == 7
        assert "often" not in only.text
        day = await client.get("/calendar?view=day&day=2099-03-26")
        assert "Thursday 26 March 2099" in day.text
        assert day.text.count('<span class="cut">often') == 144
        today = await client.get("/calendar?view=day&project=often")
        assert ">Queued<" in today.text
        assert "#1</span>" in today.text
        for odd in ("view=x&day=x", "day=0001-01-01", "day=9999-12-31", "at=77"):
            assert (await client.get(f"/calendar?{odd}")).status_code == 200, odd


async def test_one_project_is_found_in_the_calendar_however_much_the_others_run(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.schedules.RUNS_MAX", 20)
    async with logged_in(web, "ada") as client:
        await make_project(client, "busy")
        await make_project(client, "weekly", schedule={"cron": "0 23 * * 6"})
        for _ in range(25):
            await start(client, "busy")
        await start(client, "weekly")
        assert "There is more in this time" in (await client.get("/calendar")).text
        only = await client.get("/calendar?project=weekly")
        assert "weekly</span> <span>#1</span>" in only.text
        assert "There is more in this time" not in only.text
        day = datetime.now(UTC).date()
        told = {"from": f"{day}T00:00:00Z", "to": f"{day + timedelta(days=7)}T00:00:00Z", "project": "weekly"}
        found = (await client.get("/api/v1/calendar", params=told)).json()
        assert {run["project"] for run in found["past"] + found["coming"]} == {"weekly"}
        assert found["complete"]


async def test_a_day_of_many_runs_comes_in_pages(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client, "often", schedule={"cron": "*/5 * * * *"})
        first = await client.get("/calendar?view=day&day=2099-03-26")
        assert first.text.count('<span class="cut">often') == 200
        assert "+ 88 more" in first.text
        rest = await client.get("/calendar?view=day&day=2099-03-26&at=2")
        assert rest.text.count('<span class="cut">often') == 88


async def test_the_first_page_has_the_next_ten(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client, "often", schedule={"cron": "*/10 * * * *"})
        await make_project(client, "nightly", schedule={"cron": "0 23 1 1 *"})
        await start(client, "nightly")
        home = await client.get("/")
        assert home.text.count('<a class="main" href="/projects/often">') == 10
        assert '<a class="main" href="/projects/nightly">' not in home.text


async def passed(web: Web, minutes: int) -> None:
    """As if the worker had been away for so long since the schedule was set, and is back."""
    back = "next_at - make_interval(mins => :minutes)"
    await run(
        web,
        f"UPDATE schedules SET next_at = {back}, anchor = anchor - make_interval(mins => :minutes), "
        "handled_until = handled_until - make_interval(mins => :minutes), "
        "paused_at = paused_at - make_interval(mins => :minutes)",
        minutes=minutes,
    )
    while (await web.context.firing.fire()).schedules:
        pass


async def test_a_backfill_is_started_watched_and_cancelled(web: Web) -> None:
    async with logged_in(web, "ada") as client, logged_in(web, "mel") as other:
        await make_project(client, schedule={"cron": "0 3 * * *", "timezone": "Europe/Berlin"})
        page = "/projects/hello/backfills"
        assert "Start the backfill" not in (await other.get(page)).text
        form = {"from": "2026-03-27T00:00", "to": "2026-04-01T00:00", "concurrency": "2"}
        assert (await other.post(page, data=form)).status_code == 403
        refused = await client.post(page, data={**form, "to": "2026-03-01T00:00", "concurrency": "x"})
        assert refused.status_code == 422
        assert errors_in(refused) == [
            "The end is not after the start; choose a later one.",
            "'x' is not a whole number; write it in digits, such as 2.",
        ]
        unread = await client.post(page, data={"from": "soon", "to": "2999-01-01T00:00", "concurrency": "99"})
        told = errors_in(unread)
        assert (unread.status_code, len(told)) == (422, 3)
        assert told[0] == "'soon' is not a date and time; write it like 2027-01-31 03:00."
        assert told[1].startswith("A backfill is of the past")
        assert told[2] == "99 is not possible; use 1 to 50."
        empty = await client.post(page, data={"from": "", "to": "", "concurrency": "0"})
        assert errors_in(empty) == ["Give a date and time."] * 2 + ["0 is not possible; use 1 to 50."]
        backwards = await client.post(page, data={**form, "to": "2026-03-01T00:00"})
        assert "The end is not after the start; choose a later one." in errors_in(backwards)
        assert 'value="2026-03-01T00:00"' in backwards.text
        started = await client.post(page, data=form)
        address = started.headers["location"]
        assert (await client.get(address)).text.count(">Waiting<") == 5
        await web.context.backfills.advance()
        shown = await client.get(address)
        assert shown.text.count(">Queued<") == 2
        record = re.search(r'href="(/trainings/[^"]+)">#1<', shown.text)
        assert record is not None
        assert f'<a href="{address}">a backfill</a>' in (await client.get(record[1])).text
        assert "2 running, 3 waiting" in (await client.get("/projects/hello")).text
        assert (await other.post(f"{address}/cancel")).status_code == 403
        assert (await client.post(f"{address}/cancel")).headers["location"] == address
        assert "Cancelled by ada" in (await client.get(address)).text
        assert address in (await client.get(page)).text
