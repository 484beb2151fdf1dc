"""The pages of algorithms: uploads as browsers post them, code, descriptions, deletion, permission."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import httpx

from app.db.engine import Database
from app.domain.access import UserRole
from app.domain.bundle.limits import MIB
from tests.support.archives import make_tar, make_tar_gz
from tests.support.visitor import logged_in
from tests.support.web import Web, web_for_tests

HOSTILE = "<img src=x onerror=alert(1)>"
FILES = {
    "run.sh": b"#!/usr/bin/env bash\npython train.py\n",
    "train.py": b"print('<b>hi</b>')\n",
    "lib/a.py": b"A = 1\n",
}


async def upload(client: httpx.AsyncClient, files: Mapping[str, bytes], name: str = "digits") -> httpx.Response:
    form = {"name": name, "description": HOSTILE}
    return await client.post("/algorithms", data=form, files={"archive": ("code.tar", make_tar(files))})


async def test_an_empty_list_says_what_to_do(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        page = await client.get("/algorithms")
        assert "No algorithms yet" in page.text
        assert 'href="/new/algorithm"' in page.text
        assert (await client.get("/new/algorithm")).status_code == 200


async def test_an_archive_becomes_a_version_with_its_code(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        answer = await upload(client, FILES)
        assert answer.headers["location"] == "/algorithms/digits/versions/1?done=new"
        page = await client.get(answer.headers["location"])
        assert "Uploaded." in page.text
        assert '<span class="linenos">1</span>' in page.text
        assert "#!/usr/bin/env bash" in page.text
        code = await client.get("/algorithms/digits/versions/1?file=train.py")
        assert "<b>hi" not in code.text
        assert "&lt;b&gt;hi&lt;/b&gt;" in code.text
        assert (await client.get("/algorithms/digits/versions/1?file=nothing")).status_code == 404
        assert (await client.get("/algorithms/digits/versions/2")).status_code == 404
        listed = await client.get("/algorithms")
        assert ">digits</a>" in listed.text
        assert HOSTILE not in listed.text
        one = await client.get("/algorithms/digits")
        assert one.status_code == 200
        assert HOSTILE not in one.text


async def test_a_folder_and_the_same_content_again(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await upload(client, FILES)
        folder = [("files", (f"digits/{path}", content)) for path, content in FILES.items()]
        again = await client.post("/algorithms/digits/versions", files=folder)
        assert again.headers["location"] == "/algorithms/digits/versions/1?done=same"
        changed = {**FILES, "data.bin": b"\0\1\2" * 100, "odd <b>.py": b"x = 1\n", "run.sh": b"echo hi\r\n"}
        new = await client.post("/algorithms/digits/versions", files={"archive": ("x.tar.gz", make_tar_gz(changed))})
        assert new.headers["location"] == "/algorithms/digits/versions/2?done=new"
        page = await client.get("/algorithms/digits/versions/2")
        assert "run.sh had Windows line ends" in page.text
        assert "odd <b>" not in page.text
        assert "is not a text file" in (await client.get("/algorithms/digits/versions/2?file=data.bin")).text
        assert (await client.get("/algorithms/digits/versions/2?file=odd%20%3Cb%3E.py")).status_code == 200
        assert (await client.get("/algorithms/digits/versions/new")).status_code == 200


async def test_a_refused_upload_says_why_beside_its_field(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        bad_name = await upload(client, FILES, name=HOSTILE)
        assert bad_name.status_code == 422
        assert 'id="f-name-wrong"' in bad_name.text
        assert HOSTILE not in bad_name.text
        no_start = await upload(client, {"train.py": b"x"})
        assert no_start.status_code == 422
        assert "run.sh" in no_start.text
        await upload(client, FILES)
        taken = await upload(client, FILES)
        assert taken.status_code == 409
        assert "There is an algorithm digits already" in taken.text
        nothing = await client.post("/algorithms/digits/versions", data={"x": "y"})
        assert nothing.status_code == 422


async def test_only_its_owner_changes_an_algorithm(web: Web) -> None:
    async with (
        logged_in(web, "ada") as owner,
        logged_in(web, "mel") as other,
        logged_in(web, "vic", UserRole.VIEWER) as v,
    ):
        await upload(owner, FILES)
        for client in (other, v):
            page = await client.get("/algorithms/digits")
            assert page.status_code == 200
            assert "Upload a version" not in page.text
            assert (await client.get("/algorithms/digits/versions/new")).status_code == 403
            assert (await client.post("/algorithms/digits", data={"description": "mine"})).status_code == 403
            assert (await client.post("/algorithms/digits/delete")).status_code == 403
        assert (await v.get("/new/algorithm")).status_code == 403
        assert 'href="/new/algorithm"' not in (await v.get("/algorithms")).text
        said = await owner.post("/algorithms/digits", data={"description": "Handwritten digits"})
        assert said.headers["location"] == "/algorithms/digits"
        assert "Handwritten digits" in (await owner.get("/algorithms/digits")).text
        assert (await owner.post("/algorithms/digits", data={"description": "x" * 5000})).status_code == 422
        assert (await owner.post("/algorithms/digits/delete")).headers["location"] == "/algorithms"
        assert (await owner.get("/algorithms/digits")).status_code == 404


async def test_a_refused_upload_keeps_what_was_typed(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        refused = await upload(client, {"train.py": b""}, name="typed")
        assert refused.status_code == 422
        assert 'value="typed"' in refused.text
        assert "onerror=alert(1)&gt;" in refused.text
        assert HOSTILE not in refused.text


async def test_an_upload_of_too_many_files_keeps_the_form(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        many = {f"part-{number}": b"" for number in range(web.context.settings.upload_max_entries + 1)}
        refused = await upload(client, many, "typed")
        assert refused.status_code == 413
        assert 'value="typed"' in refused.text
        assert "more than 10,000 files" in refused.text


async def test_an_upload_announced_as_too_large_keeps_what_was_typed(database: Database, tmp_path: Path) -> None:
    few = web_for_tests(database, tmp_path, upload_max_bytes=1000, upload_max_entries=1)
    async with few as web, logged_in(web, "ada") as client:
        form = {"name": "typed", "description": HOSTILE}
        file = BytesIO(b"#" * 3 * MIB)  # is sent in pieces, as browsers do
        refused = await client.post("/algorithms", data=form, files={"archive": ("code.tar", file)})
        assert refused.status_code == 413
        assert 'value="typed"' in refused.text
        assert "onerror=alert(1)&gt;" in refused.text
