"""The history of a project, in the API and on its page: the same, complete, and without secrets."""

from __future__ import annotations

import re
from html import unescape

from app.domain.access import UserRole
from tests.support.pages import run
from tests.support.projects import make_project, start
from tests.support.visitor import logged_in
from tests.support.web import Web


async def test_each_edit_is_told_with_who_made_it(web: Web) -> None:
    async with web.client_of("ada") as owner, web.client_of("bo", UserRole.ADMIN) as admin:
        await make_project(owner, env={"A": "1"}, secret_env={"TOKEN": "first-s3cret"})
        for revision, client, change in (
            (1, owner, {"roles": {"worker": {"count": 3}}, "notes": "more"}),
            (2, admin, {"env": {"A": "2", "DB_PASSWORD": "hunter2"}, "secret_env": {"TOKEN": "second-s3cret"}}),
            (3, owner, {}),
        ):
            headers = {"If-Match": f'"{revision}"'}
            edited = await client.patch("/api/v1/projects/hello", json=change, headers=headers)
            assert edited.status_code == 200, edited.text
        found = (await owner.get("/api/v1/projects/hello/revisions")).json()["items"]
        assert [(one["revision"], one["by"]) for one in found] == [(4, "ada"), (3, "bo"), (2, "ada"), (1, "ada")]
        changes = [[(c["field"], c["before"], c["after"]) for c in one["changes"] or ()] for one in found]
        assert changes == [
            [],
            [
                ("/env/A", "1", "2"),
                ("/env/DB_PASSWORD", None, "(hidden)"),
                ("/secret_env/TOKEN", "(hidden)", "(a new value)"),
            ],
            [("/roles/worker/count", 1, 3), ("/notes", None, "more")],
            [],
        ]
        assert found[3]["changes"] is None

        pages, cursor = [], ""
        while cursor is not None:
            part = (await owner.get(f"/api/v1/projects/hello/revisions?limit=1{cursor}")).json()
            pages += part["items"]
            cursor = f"&cursor={part['next_cursor']}" if part["next_cursor"] else None
        assert pages == found

        old = (await owner.get("/api/v1/projects/hello/revisions/2")).json()
        assert old["settings"]["roles"]["worker"]["count"] == 3
        assert old["settings"]["secret_env"] == ["TOKEN"]
        assert (await owner.get("/api/v1/projects/hello/revisions/9")).status_code == 404
        assert (await owner.get("/api/v1/projects/nothing/revisions")).status_code == 404
        assert (await owner.get("/api/v1/projects/hello/revisions/0")).status_code == 422
        everything = (await owner.get("/api/v1/projects/hello/revisions")).text + str(old)
        assert "s3cret" not in everything
        assert "hunter2" not in everything


async def test_the_page_shows_it_to_everybody(web: Web) -> None:
    async with web.client_of("ada") as owner:
        await make_project(owner, args=["<b>"], tags=["x"])
        change = {"args": ["--lr", "<script>"], "tags": [], "max_duration": "PT90M", "keep_namespace": "PT0S"}
        await owner.patch("/api/v1/projects/hello", json=change, headers={"If-Match": '"1"'})
    async with logged_in(web, "vic", UserRole.VIEWER) as client:
        page = await client.get("/projects/hello/history")
        assert page.status_code == 200
        assert "<script>" not in page.text.replace("<script src", "")
        text = " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())
        assert 'args before ["<b>"] after ["--lr", "<script>"]' in text
        assert "How it was made." in text
        assert "max_duration before none after 1 h 30 min" in text
        assert "keep_namespace before 10 min after 0 s" in text
        assert (await client.get("/projects/nothing/history")).status_code == 404


async def test_a_project_from_before_begins_with_what_it_is(web: Web) -> None:
    async with web.client_of("ada") as owner:
        await make_project(owner)
        await run(web, "UPDATE project_revisions SET by = NULL, revision = 5")
        await run(web, "UPDATE projects SET revision = 5")
        await owner.patch("/api/v1/projects/hello", json={"notes": "n"}, headers={"If-Match": '"5"'})
        found = (await owner.get("/api/v1/projects/hello/revisions")).json()["items"]
        assert [(one["revision"], one["by"]) for one in found] == [(6, "ada"), (5, None)]
        assert [one["field"] for one in found[0]["changes"]] == ["/notes"]
        assert found[1]["changes"] is None


async def test_pauses_are_told_between_the_edits_with_who_did_it(web: Web) -> None:
    hello = "/api/v1/projects/hello"
    async with web.client_of("ada") as owner, web.client_of("bo", UserRole.ADMIN) as admin:
        await make_project(owner, schedule={"cron": "0 3 * * *"})
        await owner.post(f"{hello}/schedule/pause")
        await owner.post(f"{hello}/schedule/pause")
        await owner.patch(hello, json={"notes": "n"}, headers={"If-Match": '"1"'})
        await admin.post(f"{hello}/schedule/resume", json={"catch_up": "latest"})
        await admin.post(f"{hello}/schedule/resume")
        found = (await owner.get(f"{hello}/schedule/changes")).json()["items"]
        assert [(one["change"], one["by"], one["reason"], one["catch_up"]) for one in found] == [
            ("resumed", "bo", None, "latest"),
            ("paused", "ada", "person", None),
        ]
        first = (await owner.get(f"{hello}/schedule/changes?limit=1")).json()
        second = (await owner.get(f"{hello}/schedule/changes?limit=1&cursor={first['next_cursor']}")).json()
        assert first["items"] + second["items"] == found
        assert (await owner.get("/api/v1/projects/nothing/schedule/changes")).status_code == 404
    async with logged_in(web, "vic", UserRole.VIEWER) as client:
        text = words_of((await client.get("/projects/hello/history")).text)
        told = ("Schedule resumed The latest of what was due meanwhile was made up for. by bo", "Revision 2",
                "Schedule paused by ada", "Revision 1")  # fmt: skip
        places = [text.find(one) for one in told]
        assert -1 not in places, text
        assert places == sorted(places)


async def test_each_page_of_the_history_has_its_own_pauses(web: Web) -> None:
    hello = "/api/v1/projects/hello"
    async with web.client_of("ada") as owner:
        await make_project(owner, schedule={"cron": "0 3 * * *"})
        for revision in range(1, 31):
            if revision in {5, 25}:
                await owner.post(f"{hello}/schedule/{'pause' if revision == 5 else 'resume'}")
            await owner.patch(hello, json={"notes": str(revision)}, headers={"If-Match": f'"{revision}"'})
        await owner.post(f"{hello}/schedule/pause")
    async with logged_in(web, "vic", UserRole.VIEWER) as client:
        newer = (await client.get("/projects/hello/history")).text
        older = await client.get("/projects/hello/history?cursor=" + newer.split("?cursor=")[1].split('"')[0])
        counts = [(page.count("Schedule paused</"), page.count("Schedule resumed</")) for page in (newer, older.text)]
        assert counts == [(1, 1), (1, 0)]


async def test_what_taas_paused_and_what_began_paused_is_told_too(web: Web) -> None:
    async with web.client_of("ada") as owner:
        made = await make_project(owner, schedule={"cron": "0 3 * * *", "stop_after_failures": 1})
        await owner.post("/api/v1/projects/hello/clone", json={"name": "copy"})
        await start(owner)
        await run(web, "UPDATE trainings SET state = 'failed', reason = 'task_failed', trigger = 'schedule', "
                       "finished_at = now(), archived_at = now(), scheduled_for = now()")  # fmt: skip
        assert await web.context.firing.pause_failing() == 1
        [paused] = (await owner.get("/api/v1/projects/hello/schedule/changes")).json()["items"]
        assert (paused["by"], paused["reason"]) == ("TaaS", "failures")
        assert "its last training failed." in paused["message"]
        [began] = (await owner.get("/api/v1/projects/copy/schedule/changes")).json()["items"]
        assert (began["by"], began["message"]) == ("ada", "It was made from another timed project and begins paused.")
        assert made["name"] == "hello"


def words_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())
