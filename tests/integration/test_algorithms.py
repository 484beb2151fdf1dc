"""Algorithms through the API, over a real PostgreSQL and a real directory of objects."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select, update

from app.db.engine import DatabaseUnavailable
from app.db.ids import new_id
from app.db.tables import algorithms, audit_log, projects, trainings, versions
from app.domain.algorithm import bundle_key
from app.domain.bundle.refusals import Refusal
from tests.support.archives import GOOD, RUN, make_tar, make_tar_gz, make_zip
from tests.support.hostile import other_corpus, tar_corpus, zip_corpus
from tests.support.uploads import upload, upload_folder, upload_version
from tests.support.web import Web

V1 = "/api/v1/algorithms"


async def test_an_upload_becomes_an_algorithm_with_a_version(member: httpx.AsyncClient) -> None:
    made = await upload(member, "digits-ps", description="  Handwritten digits \n")
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"{V1}/digits-ps"
    body = made.json()
    version = body.pop("version")
    assert (body["name"], body["description"], body["owner"], body["latest"]) == (
        "digits-ps",
        "Handwritten digits",
        "mel",
        1,
    )
    assert (version["number"], version["file_count"], version["size"]) == (1, 3, sum(map(len, GOOD.values())))
    assert version["findings"] == []
    assert version["created_by"] == "mel"
    assert (await member.get(f"{V1}/digits-ps")).json() == body
    assert (await member.get(V1)).json()["items"] == [body]
    assert (await member.get(f"{V1}/digits-ps/versions/1")).json() == version
    assert (await member.get(f"{V1}/digits-ps/versions")).json() == {"items": [version], "next_cursor": None}


async def test_files_and_archive_come_back_to_the_byte(member: httpx.AsyncClient) -> None:
    odd = {**GOOD, "ä b/c'\"#?%.txt": b"odd", "large": bytes(range(256)) * 4096, "empty": b""}
    assert (await upload(member, "a", make_tar_gz(odd))).status_code == 201
    files = (await member.get(f"{V1}/a/versions/1/files")).json()["items"]
    assert {file["path"]: file["size"] for file in files} == {path: len(data) for path, data in odd.items()}
    for path, data in odd.items():
        got = await member.get(f"{V1}/a/versions/1/files/{quote(path)}")
        assert got.content == data, path
        assert got.headers["content-disposition"].startswith("attachment")
        assert got.headers["content-type"] == "application/octet-stream"
    archive = await member.get(f"{V1}/a/versions/1/archive")
    version = (await member.get(f"{V1}/a/versions/1")).json()
    assert hashlib.sha256(gzip.decompress(archive.content)).hexdigest() == version["digest"]
    assert len(archive.content) == version["archive_size"]
    assert archive.headers["content-disposition"] == "attachment; filename*=UTF-8''a-v1.tar.gz"
    with tarfile.open(fileobj=io.BytesIO(archive.content)) as tar:
        assert set(tar.getnames()) == set(odd)


async def test_the_same_content_is_the_same_version(member: httpx.AsyncClient) -> None:
    first = (await upload(member, "a", make_zip(GOOD))).json()["version"]
    again = await upload_version(member, "a", make_tar_gz({f"folder/{name}": data for name, data in GOOD.items()}))
    assert (again.status_code, again.json()) == (200, first)
    other = await upload_version(member, "a", make_tar({**GOOD, "new": b""}))
    assert (other.status_code, other.json()["number"]) == (201, 2)
    assert other.headers["location"] == f"{V1}/a/versions/2"
    back = await upload_version(member, "a", make_tar(GOOD))
    assert (back.status_code, back.json()["number"]) == (200, 1)
    assert (await member.get(f"{V1}/a")).json()["latest"] == 2
    numbers = [item["number"] for item in (await member.get(f"{V1}/a/versions")).json()["items"]]
    assert numbers == [2, 1]


async def test_a_folder_from_a_browser(member: httpx.AsyncClient) -> None:
    zipped = (await upload(member, "a", make_zip(GOOD))).json()["version"]
    sent = await upload_folder(member, "b", {f"picked/{name}": data for name, data in GOOD.items()})
    assert sent.status_code == 201, sent.text
    assert sent.json()["version"]["digest"] == zipped["digest"]


async def test_parallel_uploads_of_one_content_make_one_version(member: httpx.AsyncClient, web: Web) -> None:
    await upload(member, "a")
    archive = make_zip({**GOOD, "new": b"x"})
    answers = await asyncio.gather(*(upload_version(member, "a", archive) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert {answer.json()["number"] for answer in answers} == {2}
    different = await asyncio.gather(
        *(upload_version(member, "a", make_zip({**GOOD, "n": bytes([n])})) for n in range(8))
    )
    assert sorted(answer.json()["number"] for answer in different) == list(range(3, 11))


async def test_parallel_creations_of_one_name_make_one_algorithm(member: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(upload(member, "a") for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    conflict = next(answer.json() for answer in answers if answer.status_code == 409)
    assert conflict["code"] == "name_taken"
    assert conflict["errors"][0]["pointer"] == "/name"


CORPUS = {
    f"{kind}: {name}": entry
    for kind, corpus in (("zip", zip_corpus()), ("tar", tar_corpus()), ("other", other_corpus()))
    for name, entry in corpus.items()
}


async def test_every_hostile_upload_is_refused_and_leaves_nothing(
    member: httpx.AsyncClient, web: Web, tmp_path: Path
) -> None:
    for name, (archive, refusal) in CORPUS.items():
        refused = await upload(member, "a", archive)
        assert refused.status_code in (413, 422), f"{name}: {refused.text}"
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["code"] == refusal, name
        assert refused.json()["errors"][0]["pointer"] == "/archive"
    assert (await member.get(V1)).json()["items"] == []
    assert await web.context.storage.list("bundles") == []
    assert list((tmp_path / "uploads").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (None, "name is missing"),
        ("", "name is missing"),
        ("Digits", "was “Digits”"),
        ("a b", "1 to 63 lower case letters"),
        ("-a", "beginning and ending with a letter or digit"),
        ("a/b", "was “a/b”"),
        ("a\x00b", "was “a\\u{0}b”"),
        ("x" * 64, "1 to 63"),
        ("x" * 20_000, "longer than 16 KiB"),
        ("é", "lower case letters"),
    ],
)
async def test_a_bad_name_says_what_would_be_right(member: httpx.AsyncClient, name: str | None, problem: str) -> None:
    refused = await upload(member, name)
    assert refused.status_code == 422
    assert problem in refused.json()["detail"]
    assert refused.json()["errors"][0]["pointer"] == "/name"


async def test_a_bad_description_is_refused(member: httpx.AsyncClient) -> None:
    for description in ("x" * 2001, "a\x00b"):
        refused = await upload(member, "a", description=description)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/description")


async def test_bad_forms(member: httpx.AsyncClient) -> None:
    form = {"content-type": "multipart/form-data; boundary=x"}
    part = b'--x\r\nContent-Disposition: form-data; name="archive"; filename="a"\r\n\r\n'
    for headers, body, code in (
        ({"content-type": "application/zip"}, make_zip(GOOD), "not_multipart"),
        ({"content-type": "multipart/form-data"}, make_zip(GOOD), "not_multipart"),
        ({}, b"", "not_multipart"),
        (form, b"", "malformed_form"),
        (form, b"garbage", "malformed_form"),
        (form, part + make_zip(GOOD), "malformed_form"),
        (form, b"--x--\r\n", "invalid_input"),
        (form, part.replace(b'"archive"', b'"archive') + b"\r\n--x--\r\n", "invalid_input"),
        (form, part + b"\r\n" + part + b"\r\n--x--\r\n", "invalid_input"),
        ({"content-type": f"multipart/form-data; boundary={'x' * 5000}"}, b"", "malformed_form"),
        (form, b"--x\r\n" + b"a: " + b"b" * 100_000 + b"\r\n\r\n", "malformed_form"),
    ):
        refused = await member.post(V1, content=body, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (422, code), body[:60]


async def test_fields_that_are_not_ours_are_read_over(member: httpx.AsyncClient) -> None:
    assert (await upload(member, "a", something="x" * 100_000)).status_code == 201


async def test_the_linter_tells_and_refuses_nothing(member: httpx.AsyncClient) -> None:
    script = b"echo 1\r\nif true; then\r\n"
    version = (await upload(member, "a", make_zip({"run.sh": script}))).json()["version"]
    found = [(finding["rule"], finding["line"]) for finding in version["findings"]]
    assert found == [("crlf_normalised", None), ("missing_shebang", 1), ("syntax_error", 3)]
    assert (await member.get(f"{V1}/a/versions/1/files/run.sh")).content == script.replace(b"\r\n", b"\n")


async def test_who_may_do_what(web: Web, member: httpx.AsyncClient, viewer: httpx.AsyncClient) -> None:
    assert (await upload(member, "a")).status_code == 201
    new = make_zip({**GOOD, "new": b""})
    async with web.client() as nobody, web.client_of("max") as other:
        for client, status in ((nobody, 401), (viewer, 403), (other, 403)):
            assert (await upload_version(client, "a", new)).status_code == status
            assert (await client.patch(f"{V1}/a", json={"description": "x"})).status_code == status
            assert (await client.delete(f"{V1}/a")).status_code == status
        for client, status in ((nobody, 401), (viewer, 403), (other, 201)):
            assert (await upload(client, "b")).status_code == status
        for path in ("", "/a", "/a/versions", "/a/versions/1", "/a/versions/1/files", "/a/versions/1/files/run.sh"):
            assert (await viewer.get(V1 + path)).status_code == 200
            assert (await nobody.get(V1 + path)).status_code == 401


async def test_admins_may_change_what_is_anybodys(member: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    await upload(member, "a")
    described = await admin.patch(f"{V1}/a", json={"description": "Better"})
    assert described.json()["description"] == "Better"
    assert (await upload_version(admin, "a", make_zip({**GOOD, "new": b""}))).status_code == 201
    assert (await admin.delete(f"{V1}/a")).status_code == 204


async def test_what_is_not_there(member: httpx.AsyncClient) -> None:
    await upload(member, "a")
    for path in ("/b", "/b/versions", "/b/versions/1", "/b/versions/1/files", "/a/versions/2", "/a/versions/2/archive"):
        assert (await member.get(V1 + path)).status_code == 404, path
    for path in ("nope", "run.sh/", "data", "../run.sh", "%2e%2e/run.sh", "/run.sh", "run.sh%2f.."):
        assert (await member.get(f"{V1}/a/versions/1/files/{path}")).status_code == 404, path
    assert (await upload_version(member, "b", make_zip(GOOD))).status_code == 404
    assert (await member.delete(f"{V1}/b")).status_code == 404
    assert (await member.get(f"{V1}/a/versions/0")).status_code == 422


async def test_lists_go_on_where_they_ended(member: httpx.AsyncClient) -> None:
    for name in ("c", "a", "b"):
        await upload(member, name)
    first = (await member.get(V1, params={"limit": 2})).json()
    assert [item["name"] for item in first["items"]] == ["a", "b"]
    second = (await member.get(V1, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert ([item["name"] for item in second["items"]], second["next_cursor"]) == (["c"], None)


async def test_deleting_takes_the_bundles_that_nothing_else_has(member: httpx.AsyncClient, web: Web) -> None:
    shared = (await upload(member, "a")).json()["version"]["digest"]
    own = (await upload_version(member, "a", make_zip({"run.sh": RUN}))).json()["digest"]
    await upload(member, "b")
    assert (await member.delete(f"{V1}/a")).status_code == 204
    assert (await member.get(f"{V1}/a")).status_code == 404
    assert [info.key for info in await web.context.storage.list("bundles")] == [bundle_key(shared)]
    assert (await member.get(f"{V1}/b/versions/1/archive")).status_code == 200
    assert (await upload(member, "a", make_zip({"run.sh": RUN}))).json()["version"]["digest"] == own
    async with web.context.database.read() as connection:
        actions = (await connection.execute(select(audit_log.c.action).order_by(audit_log.c.id))).scalars().all()
    assert [action for action in actions if action.startswith(("algorithm", "version"))] == [
        "algorithm.create",
        "version.create",
        "algorithm.create",
        "algorithm.delete",
        "algorithm.create",
    ]


async def test_what_is_used_is_not_deleted_and_its_users_are_named(member: httpx.AsyncClient, web: Web) -> None:
    await upload(member, "a")
    project_id = await _project(web, "nightly")
    refused = await member.delete(f"{V1}/a")
    assert (refused.status_code, refused.json()["code"]) == (409, "algorithm_in_use")
    assert "project nightly" in refused.json()["detail"]
    await _training(web, project_id, 7)
    async with web.context.database.transaction() as connection:
        await connection.execute(update(projects).values(deleted_at=func.now()))
    refused = await member.delete(f"{V1}/a")
    assert "training nightly #7" in refused.json()["detail"]
    async with web.context.database.transaction() as connection:
        await connection.execute(trainings.delete())
    assert (await member.delete(f"{V1}/a")).status_code == 204
    async with web.context.database.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(projects))).scalar_one() == 0


async def test_orphaned_bundles_are_collected_when_they_are_old(member: httpx.AsyncClient, web: Web) -> None:
    kept = (await upload(member, "a")).json()["version"]["digest"]
    store = web.context.storage
    await store.put_bytes(bundle_key("0" * 64), b"of an upload that crashed before its row")
    await store.put_bytes(f"collecting/{kept}", await store.read(bundle_key(kept)))
    await store.delete(bundle_key(kept))
    await store.put_bytes("collecting/" + "1" * 64, b"of a collection that crashed")
    bundles = web.context.algorithms.bundles
    assert await bundles.collect_orphans(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert await bundles.collect_orphans(datetime.now(UTC) + timedelta(hours=1)) == 1
    assert [info.key for info in await store.list("bundles")] == [bundle_key(kept)]
    assert await store.list("collecting") == []


async def test_a_collection_under_way_never_loses_a_bundle_that_is_uploaded_anew(
    member: httpx.AsyncClient, web: Web
) -> None:
    """Uploads and deletions of the same content race; whatever has a row at the end has its object."""

    async def churn(name: str) -> None:
        for _ in range(6):
            assert (await upload(member, name)).status_code == 201
            assert (await member.delete(f"{V1}/{name}")).status_code == 204
        assert (await upload(member, name)).status_code == 201

    await asyncio.gather(*(churn(name) for name in ("a", "b", "c")))
    for name in ("a", "b", "c"):
        assert (await member.get(f"{V1}/{name}/versions/1/archive")).status_code == 200
    assert await web.context.storage.list("collecting") == []


async def test_a_failing_store_leaves_no_row(member: httpx.AsyncClient, web: Web, tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("a file where the store's folder should be")
    refused = await upload(member, "a")
    assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
    assert (await member.get(V1)).json()["items"] == []
    async with web.context.database.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(versions))).scalar_one() == 0


async def test_a_crash_after_the_object_leaves_no_row_and_the_upload_can_be_repeated(
    member: httpx.AsyncClient, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object) -> int:
        raise DatabaseUnavailable("The connection was cut.")

    with monkeypatch.context() as patched:
        patched.setattr("app.db.algorithms.add_version", crash)
        assert (await upload(member, "a")).status_code == 503
    assert (await member.get(f"{V1}/a")).status_code == 404
    assert len(await web.context.storage.list("bundles")) == 1
    assert (await upload(member, "a")).status_code == 201
    assert await web.context.algorithms.bundles.collect_orphans(datetime.now(UTC) + timedelta(hours=1)) == 0


async def test_a_damaged_object_is_told(member: httpx.AsyncClient, web: Web) -> None:
    digest = (await upload(member, "a")).json()["version"]["digest"]
    await web.context.storage.delete(bundle_key(digest))
    assert (await member.get(f"{V1}/a/versions/1/archive")).status_code == 404


async def test_the_view_of_a_file_is_bounded(member: httpx.AsyncClient, web: Web) -> None:
    await upload(member, "a", make_zip({"run.sh": RUN, "long.txt": "äö".encode() * 50_000, "x.bin": b"\0"}))
    principal = await web.person("pam")
    service = web.context.algorithms
    short = await service.view(principal, "a", 1, "run.sh", 1000)
    assert (short.text, short.cut) == (RUN.decode(), False)
    long = await service.view(principal, "a", 1, "long.txt", 1001)
    assert long.text is not None
    assert long.cut
    assert len(long.text) <= 501
    assert (await service.view(principal, "a", 1, "x.bin", 1000)).text is None


async def test_the_documents_of_uploads_say_binary(web: Web) -> None:
    schema = web.app.openapi()
    form = schema["paths"][V1]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["archive"]["format"] == "binary"
    assert form["properties"]["files"]["items"]["format"] == "binary"
    assert form["required"] == ["name"]
    assert {"201", "200", "404", "413", "422"} <= set(schema["paths"][f"{V1}/{{name}}/versions"]["post"]["responses"])


def test_every_refusal_is_met_over_http() -> None:
    assert {refusal for _, refusal in CORPUS.values()} | {Refusal.TOO_LARGE} == set(Refusal)


async def _project(web: Web, name: str) -> UUID:
    id_ = new_id()
    async with web.context.database.transaction() as connection:
        algorithm = (await connection.execute(select(algorithms.c.id, algorithms.c.owner_id))).one()
        await connection.execute(
            projects.insert().values(id=id_, name=name, owner_id=algorithm.owner_id, algorithm_id=algorithm.id, spec={})
        )
    return id_


async def _training(web: Web, project_id: UUID, number: int) -> None:
    async with web.context.database.transaction() as connection:
        version_id = (await connection.execute(select(versions.c.id))).scalar_one()
        await connection.execute(
            trainings.insert().values(
                id=new_id(),
                project_id=project_id,
                project="nightly",
                owner_id=new_id(),
                number=number,
                spec={},
                version_id=version_id,
                trigger="person",
                created_by="mel",
                tasks_total=1,
            )
        )
