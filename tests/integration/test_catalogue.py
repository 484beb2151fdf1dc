"""Registries, images and storages through the API."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from app.auth.seal import add_key_to_file, keys_in_file
from app.context import build_context
from app.db import registries
from app.db.tables import registries as registry_table
from app.domain.places import registry_place
from tests.support.web import Web

CANARY = "canary-5f1c-password"
REGISTRY = {"name": "ours", "host": "registry.example.com:5000", "username": "robot", "password": CANARY}
IMAGE = {"name": "tf", "reference": "tensorflow/tensorflow:2.21.0", "framework": "tensorflow"}
NFS: dict[str, Any] = {"name": "shared", "kind": "nfs", "config": {"server": "nfs.example.com", "path": "/srv/taas"}}


async def test_a_password_goes_in_and_never_comes_out(web: Web, admin: httpx.AsyncClient) -> None:
    made = await admin.post("/api/v1/registries", json=REGISTRY)
    assert made.status_code == 201, made.text
    answers = [made, await admin.get("/api/v1/registries"), await admin.get("/api/v1/registries/ours")]
    answers.append(await admin.patch("/api/v1/registries/ours", json={"username": "other"}))
    assert all(CANARY not in answer.text and "password" not in answer.text for answer in answers)
    async with web.context.database.read() as connection:
        everything = await connection.execute(
            text("SELECT registries::text FROM registries UNION ALL SELECT audit_log::text FROM audit_log")
        )
        stored = "".join(everything.scalars())
    assert CANARY not in stored
    assert CANARY.encode().hex() not in stored


async def test_the_worker_can_open_what_was_sealed(web: Web, admin: httpx.AsyncClient) -> None:
    await admin.post("/api/v1/registries", json=REGISTRY)
    assert await opened(web) == ("robot", CANARY)
    await admin.patch("/api/v1/registries/ours", json={"password": "new"})
    assert await opened(web) == ("robot", "new")


async def opened(web: Web) -> tuple[str, str]:
    async with web.context.database.read() as connection:
        found = await registries.login_for(connection, "registry.example.com:5000")
    assert found
    registry, sealed = found
    return registry.username, web.context.sealer.open(sealed, registry_place(registry.id))


async def test_rotation_seals_everything_anew(web: Web, admin: httpx.AsyncClient) -> None:
    await admin.post("/api/v1/registries", json=REGISTRY)
    home = web.context.settings.home
    new_key = add_key_to_file(home)
    assert len(keys_in_file(home)) == 2
    rotating = build_context(web.context.settings, web.context.database)
    assert await rotating.secrets.reseal() == 1
    assert await rotating.secrets.reseal() == 0
    async with web.context.database.read() as connection:
        sealed = (await connection.execute(select(registry_table.c.password))).scalar_one()
    assert new_key.encode() in sealed
    # A process that was running all the while reads the new key when it meets it.
    assert await opened(web) == ("robot", CANARY)


async def test_one_login_a_host_and_only_real_hosts(admin: httpx.AsyncClient) -> None:
    await admin.post("/api/v1/registries", json=REGISTRY)
    assert (await admin.post("/api/v1/registries", json={**REGISTRY, "name": "again"})).status_code == 409
    for host in ("https://registry.example.com", "a b", "registry/path", "-x"):
        refused = await admin.post("/api/v1/registries", json={**REGISTRY, "name": "x", "host": host})
        assert refused.status_code == 422, host
        assert refused.json()["errors"][0]["pointer"] == "/host"
    assert (await admin.delete("/api/v1/registries/ours")).status_code == 204
    assert (await admin.delete("/api/v1/registries/ours")).status_code == 404


async def test_each_framework_has_at_most_one_default_image(admin: httpx.AsyncClient) -> None:
    await admin.post("/api/v1/images", json={**IMAGE, "is_default": True})
    await admin.post("/api/v1/images", json={**IMAGE, "name": "tf-gpu", "is_default": True})
    await admin.post("/api/v1/images", json={**IMAGE, "name": "py", "framework": "plain", "is_default": True})
    listed = {item["name"]: item["is_default"] for item in (await admin.get("/api/v1/images")).json()["items"]}
    assert listed == {"tf": False, "tf-gpu": True, "py": True}
    changed = await admin.patch("/api/v1/images/tf", json={"is_default": True})
    assert changed.json()["is_default"] is True
    filtered = (await admin.get("/api/v1/images", params={"framework": "tensorflow"})).json()["items"]
    assert {item["name"]: item["is_default"] for item in filtered} == {"tf": True, "tf-gpu": False}


@pytest.mark.parametrize("reference", ["", "Upper/Case", "a b", "x:tag:tag", "https://x/y", "-x"])
async def test_what_is_no_image_reference_is_refused(admin: httpx.AsyncClient, reference: str) -> None:
    refused = await admin.post("/api/v1/images", json={**IMAGE, "reference": reference})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/reference"


async def test_a_storage_is_checked_by_its_kind(admin: httpx.AsyncClient) -> None:
    assert (await admin.post("/api/v1/storages", json=NFS)).status_code == 201
    unknown = await admin.post("/api/v1/storages", json={**NFS, "name": "x", "kind": "floppy"})
    assert unknown.status_code == 422
    assert "nfs" in unknown.json()["detail"]
    bad = await admin.post("/api/v1/storages", json={**NFS, "name": "x", "config": {"path": "relative", "colour": 1}})
    assert bad.status_code == 422
    assert {error["pointer"] for error in bad.json()["errors"]} == {"/config/path", "/config/colour", "/config/server"}
    worse = await admin.patch("/api/v1/storages/shared", json={"config": {"path": "relative"}})
    assert worse.status_code == 422
    better = await admin.patch("/api/v1/storages/shared", json={"config": {**NFS["config"], "path": "/other"}})
    assert better.json()["config"]["path"] == "/other"


async def test_there_is_one_default_storage(admin: httpx.AsyncClient) -> None:
    await admin.post("/api/v1/storages", json={**NFS, "is_default": True})
    await admin.post("/api/v1/storages", json={**NFS, "name": "other", "is_default": True})
    listed = {item["name"]: item["is_default"] for item in (await admin.get("/api/v1/storages")).json()["items"]}
    assert listed == {"other": True, "shared": False}
    assert (await admin.delete("/api/v1/storages/other")).status_code == 204


@pytest.mark.parametrize(
    ("path", "body"),
    [("registries", REGISTRY), ("images", IMAGE), ("storages", NFS)],
    ids=lambda value: str(value)[:10],
)
async def test_only_admins_change_the_catalogue_and_all_see_it(
    admin: httpx.AsyncClient, member: httpx.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    assert (await member.post(f"/api/v1/{path}", json=body)).status_code == 403
    made = await admin.post(f"/api/v1/{path}", json=body)
    assert made.headers["location"] == f"/api/v1/{path}/{body['name']}"
    assert (await admin.post(f"/api/v1/{path}", json=body)).status_code == 409
    assert (await member.get(made.headers["location"])).json() == made.json()
    assert (await member.patch(made.headers["location"], json={})).status_code == 403
    assert (await member.delete(made.headers["location"])).status_code == 403
    assert (await admin.patch(made.headers["location"], json={})).status_code == 200
    assert (await admin.delete(made.headers["location"])).status_code == 204
    assert (await admin.get(made.headers["location"])).status_code == 404
