"""The history of a project's settings, in the API and on its page: the same, complete, and without secrets."""

from __future__ import annotations

import re
from html import unescape

from app.domain.access import UserRole
from tests.support.pages import run
from tests.support.projects import make_project
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
        change = {"args": ["--lr", "<script>"], "tags": []}
        await owner.patch("/api/v1/projects/hello", json=change, headers={"If-Match": '"1"'})
    async with logged_in(web, "vic", UserRole.VIEWER) as client:
        page = await client.get("/projects/hello/history")
        assert page.status_code == 200
        assert "<script>" not in page.text.replace("<script src", "")
        text = " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())
        assert 'args before ["<b>"] after ["--lr", "<script>"]' in text
        assert "How it was made." in text
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
