"""What a training left on its storage: through the API and on its page."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from tests.support.left_files import Left, training_with_files
from tests.support.trainings import Maker, run_spec
from tests.support.visitor import logged_in
from tests.support.web import Web

HTML = b"<script>fetch('/api/v1/tokens', {method: 'POST'})</script>"


@pytest.fixture
async def left(web: Web, tmp_path: Path) -> Left:
    return await training_with_files(web, tmp_path)


async def names(client: httpx.AsyncClient, left: Left, **params: Any) -> list[str]:
    found: list[str] = []
    while True:
        answer = await client.get(f"/api/v1/trainings/{left.id}/files", params=params)
        assert answer.status_code == 200, answer.text
        found += [item["name"] for item in answer.json()["items"]]
        if answer.json()["next_cursor"] is None:
            return found
        params["cursor"] = answer.json()["next_cursor"]


async def test_folders_are_listed_in_pages_and_files_come_to_the_byte(left: Left, member: httpx.AsyncClient) -> None:
    assert await names(member, left) == []  # nothing was written yet
    (left.models / "ckpt").mkdir(parents=True)
    for number in range(7):
        (left.models / "ckpt" / f"{number}.bin").write_bytes(bytes([number]) * 300_000)
    assert await names(member, left) == ["ckpt"]
    assert await names(member, left, path="models/ckpt", limit=3) == [f"{number}.bin" for number in range(7)]
    answer = await member.get(f"/api/v1/trainings/{left.id}/files/models/ckpt/5.bin")
    assert answer.content == b"\x05" * 300_000
    assert answer.headers["content-length"] == "300000"
    listing = (await member.get(f"/api/v1/trainings/{left.id}/files", params={"path": "models/ckpt"})).json()
    assert listing["items"][0]["path"] == "models/ckpt/0.bin"
    assert listing["items"][0]["size"] == 300_000
    assert not listing["truncated"]


@pytest.mark.parametrize("name", ["evil.html", "evil.svg", "evil.js", 'a"b;c.html', "ü <x>.xhtml", "evil.png.html"])
async def test_a_file_can_never_act_as_a_page_of_ours(left: Left, member: httpx.AsyncClient, name: str) -> None:
    left.models.mkdir(parents=True)
    (left.models / name).write_bytes(HTML)
    answer = await member.get(f"/api/v1/trainings/{left.id}/files/models/{quote(name)}")
    assert answer.content == HTML
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("models/link", 404),
        ("models/out/secret.txt", 404),
        ("models/%2e%2e/%2e%2e/%2e%2e/secret.txt", 422),
        ("models/..%2f..%2fsecret.txt", 422),
        ("data/x", 422),
        ("%2fetc%2fpasswd", 422),
        ("models/a%0ab", 404),
        ("models/a%00b", 400),
        ("models/" + "x" * 5_000, 422),
        ("models/none", 404),
        ("models/deep", 404),
        ("models", 404),
    ],
)
async def test_nothing_outside_is_reached(left: Left, member: httpx.AsyncClient, path: str, status: int) -> None:
    (left.models / "deep").mkdir(parents=True)
    (left.outside / "secret.txt").write_text("not for tasks")
    (left.models / "link").symlink_to(left.outside / "secret.txt")
    (left.models / "out").symlink_to(left.outside)
    for place in ("files", "preview"):
        answer = await member.get(f"/api/v1/trainings/{left.id}/{place}/{path}")
        assert answer.status_code == status, answer.text
        assert "not for tasks" not in answer.text
    assert await names(member, left) == ["deep", "link", "out"]
    assert (await member.get(f"/api/v1/trainings/{left.id}/files", params={"path": "models/out"})).status_code == 404


async def test_what_taas_cannot_see_is_said(web: Web, tmp_path: Path, member: httpx.AsyncClient) -> None:
    unseen = await training_with_files(web, tmp_path, seen=False)
    answer = await member.get(f"/api/v1/trainings/{unseen.id}/files")
    assert (answer.status_code, answer.json()["code"]) == (404, "files_unseen")
    assert "taas_path" in answer.json()["detail"]
    without = await (await Maker.create(web.context)).start(run_spec())
    assert "no storage" in (await member.get(f"/api/v1/trainings/{without}/files")).json()["detail"]
    assert (await member.get(f"/api/v1/trainings/{uuid4()}/files")).status_code == 404
    async with logged_in(web, "bob") as client:
        page = await client.get(f"/trainings/{unseen.id}/files")
        assert page.status_code == 200
        assert "taas_path" in page.text


async def test_the_page_shows_text_as_text_and_says_what_becomes_of_the_files(web: Web, left: Left) -> None:
    left.logs.mkdir(parents=True)
    (left.logs / "note.html").write_bytes(HTML)
    (left.logs / "weights.bin").write_bytes(bytes(100))
    (left.logs / "broken.npz").write_bytes(b"PK no zip")
    (left.logs / "plot.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    (left.logs / "long.txt").write_bytes(b"word " * 100_000)
    (left.logs / "link").symlink_to("/etc/passwd")
    async with logged_in(web, "ada") as client:
        page = (await client.get(f"/trainings/{left.id}/files?path=logs")).text
        assert f"?file={quote('logs/note.html', safe='')}" in page or "?file=logs/note.html" in page
        assert "link or device: not opened" in page
        assert "TaaS never changes or removes them" in page
        shown = (await client.get(f"/trainings/{left.id}/files?file=logs/note.html")).text
        assert HTML.decode() not in shown
        assert "&lt;" in shown
        assert "Not text" in (await client.get(f"/trainings/{left.id}/files?file=logs/weights.bin")).text
        assert "no file of NumPy" in (await client.get(f"/trainings/{left.id}/files?file=logs/broken.npz")).text
        picture = (await client.get(f"/trainings/{left.id}/files?file=logs/plot.png")).text
        assert f'src="/api/v1/trainings/{left.id}/files/logs/plot.png"' in picture
        assert "Only its beginning" in (await client.get(f"/trainings/{left.id}/files?file=logs/long.txt")).text
        assert (await client.get(f"/trainings/{left.id}/files?file=logs/link")).status_code == 404
        assert (await client.get(f"/trainings/{left.id}/files?path=logs/../..")).status_code == 422
        assert "No task has written" in (await client.get(f"/trainings/{left.id}/files?path=models")).text
