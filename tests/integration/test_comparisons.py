"""Two versions of an algorithm beside each other, and who uses one: the page and the API tell the same."""

from __future__ import annotations

import io
import zipfile
from html import unescape

import httpx
import pytest

from app.services import comparisons
from tests.support.projects import make_algorithm, make_project, start
from tests.support.visitor import logged_in
from tests.support.web import Web

RUN = "#!/bin/bash\necho hello\n"


async def add_version(client: httpx.AsyncClient, **files: bytes) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        for path, data in ({"run.sh": RUN.encode()} | files).items():
            packed.writestr(path, data)
    answer = await client.post("/api/v1/algorithms/hello/versions", files={"archive": ("h.zip", archive.getvalue())})
    assert answer.status_code == 201, answer.text


async def test_files_and_lines_that_differ(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_algorithm(
            client, **{"same.txt": b"same", "size.bin": b"\0\1", "gone.py": b"x = 1\n", "b.py": b"1\n"}
        )
        big = b"y\n" * 150_000
        await add_version(
            client,
            **{"same.txt": b"same", "size.bin": b"\0\2", "b.py": b"<script>2\n", "new/big.txt": big, "é.py": b"z\n"},
        )
        answer = await client.get("/api/v1/algorithms/hello/compare/1...2")
        assert answer.status_code == 200, answer.text
        found = {one["path"]: one for one in answer.json()["files"]}
        assert {path: one["status"] for path, one in found.items()} == {
            "b.py": "changed", "gone.py": "removed", "new/big.txt": "added", "size.bin": "changed", "é.py": "added",
        }  # fmt: skip
        assert found["b.py"]["diff"] == "--- a/b.py\n+++ b/b.py\n@@ -1 +1 @@\n-1\n+<script>2"
        assert (found["size.bin"]["diff"], found["size.bin"]["why_no_diff"]) == (None, "It is not text.")
        assert found["new/big.txt"]["why_no_diff"] == "It has more than 200,000 bytes."
        assert (found["gone.py"]["after"], found["gone.py"]["before"]["size"]) == (None, 6)
        back = (await client.get("/api/v1/algorithms/hello/compare/2...1?file=b.py")).json()
        assert "+1" in next(one for one in back["files"] if one["path"] == "b.py")["diff"]

        page = await client.get("/algorithms/hello/compare/1...2")
        assert page.status_code == 200
        assert "<script>2" not in page.text
        assert all(path in page.text for path in found)
        assert "same.txt" not in page.text
        chosen = await client.get("/algorithms/hello/compare?before=2&after=1")
        assert chosen.headers["location"] == "/algorithms/hello/compare/2...1"
        assert "Both have the same content" in (await client.get("/algorithms/hello/compare/2...2")).text
        for wrong in ("1...9", "0...1", f"1...{2**40}", "1..2"):
            assert (await client.get(f"/api/v1/algorithms/hello/compare/{wrong}")).status_code in (404, 422), wrong


async def test_what_is_too_much_is_named_and_can_be_asked_for(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparisons, "FILES_MAX", 2)
    monkeypatch.setattr(comparisons, "LOOKED_INTO_MAX", 5_200)
    async with logged_in(web, "ada") as client:
        await make_algorithm(client)
        await add_version(client, **{f"f{n}.py": b"1\n" for n in range(4)}, **{"z.bin": b"\0" * 2000})
        await add_version(client, **{f"f{n}.py": b"22\n" for n in range(4)}, **{"z.bin": b"\1" * 2000})
        files = (await client.get("/api/v1/algorithms/hello/compare/2...3")).json()["files"]
        assert [bool(one["diff"]) for one in files] == [True, True, False, False, False]
        assert "ask for this one alone" in files[3]["why_no_diff"]
        assert files[4]["status"] == "unknown"
        alone = (await client.get("/api/v1/algorithms/hello/compare/2...3?file=f3.py")).json()["files"]
        assert next(one for one in alone if one["path"] == "f3.py")["diff"]
        page = (await client.get("/algorithms/hello/compare/2...3")).text
        assert "/algorithms/hello/compare/2...3?file=f3.py" in unescape(page)
        assert "Perhaps changed" in page


async def test_who_uses_a_version(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client, "pinned", version=1)
        await make_project(client, "newest")
        await start(client, "pinned")
        await add_version(client, **{"more.py": b"1"})
        await start(client, "newest")
        first = (await client.get("/algorithms/hello/versions/1")).text
        assert "/projects/pinned" in first
        assert "/projects/newest" not in first
        assert "pinned #1" in first
        second = (await client.get("/algorithms/hello/versions/2")).text
        assert "/projects/newest" in second
        assert "newest #1" in second
        assert "compare/1...2" in second
        used = await client.get("/api/v1/projects?algorithm=hello")
        assert [one["name"] for one in used.json()["items"]] == ["newest", "pinned"]
        for query, projects in (
            ("algorithm=hello", ["newest", "pinned"]),
            ("algorithm=hello&version=1", ["pinned"]),
            ("algorithm=hello&version=7", []),
            ("algorithm=other", []),
            ("owner=ada", ["newest", "pinned"]),
            ("owner=nobody", []),
            ("reason=task_failed", []),
        ):
            items = (await client.get(f"/api/v1/trainings?{query}")).json()["items"]
            assert [one["project"] for one in items] == projects, query
            page = unescape((await client.get(f"/trainings?{query}")).text)
            assert page.count("data-training") == len(projects)
            assert ("None match" in page) is not bool(projects)
            assert f"/api/v1/trainings?{query}" in page
