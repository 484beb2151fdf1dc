"""What is said of the installation itself: its settings and the audit log, on pages and through the API."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import httpx
import pytest

from app.db.engine import Database
from app.domain.access import UserRole
from app.settings import Settings
from tests.support.visitor import logged_in
from tests.support.web import Web, web_for_tests

SECRET = "canary-94"


async def test_settings_say_where_they_come_from_and_hide_secrets(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAAS_RUNNING_LIMIT", "7")
    given = {
        "running_limit": 7,
        "database_url": f"postgresql://taas:{SECRET}@db.example.com/taas?password={SECRET}",
        "admin_password": SECRET,
    }
    async with (
        web_for_tests(database, tmp_path, **given) as web,
        web.client_of("ada", UserRole.ADMIN) as admin,
        logged_in(web, "bob", UserRole.ADMIN) as client,
    ):
        answer = await admin.get("/api/v1/settings")
        page = await client.get("/admin/settings")
    found = {one["name"]: one for one in answer.json()["items"]}
    assert list(found) == [f"TAAS_{name.upper()}" for name in Settings.model_fields]
    limit = found["TAAS_RUNNING_LIMIT"]
    assert (limit["value"], limit["default"], limit["source"]) == ("7", "100", "environment")
    assert (found["TAAS_PORT"]["value"], found["TAAS_PORT"]["source"]) == ("8000", "default")
    assert found["TAAS_DATABASE_URL"]["value"] == "postgresql://***@db.example.com/taas?***"
    assert found["TAAS_DATABASE_URL"]["source"] == "start"
    assert (found["TAAS_ADMIN_PASSWORD"]["value"], found["TAAS_ADMIN_PASSWORD"]["secret"]) == ("***", True)
    assert found["TAAS_ENCRYPTION_KEYS"]["value"] is None
    assert SECRET not in answer.text + page.text
    for name in found:
        assert name in page.text
    assert "set, and hidden" in page.text


async def test_settings_and_the_audit_log_are_for_admins(member: httpx.AsyncClient, viewer: httpx.AsyncClient) -> None:
    for client in (member, viewer):
        for address in ("/api/v1/settings", "/api/v1/audit"):
            assert (await client.get(address)).status_code == 403


async def test_the_audit_log_is_paged_and_filtered(admin: httpx.AsyncClient) -> None:
    for name in ("one", "two", "three"):
        image = {"name": name, "reference": "python:3", "framework": "plain"}
        assert (await admin.post("/api/v1/images", json=image)).status_code == 201
    await admin.delete("/api/v1/images/two")
    first = (await admin.get("/api/v1/audit?limit=2")).json()
    assert [(entry["action"], entry["object"]) for entry in first["items"]] == [
        ("image.delete", "image/two"),
        ("image.create", "image/three"),
    ]
    second = (await admin.get("/api/v1/audit", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [entry["object"] for entry in second["items"]] == ["image/two", "image/one"]
    of_two = (await admin.get("/api/v1/audit?object=image/two")).json()["items"]
    assert [entry["action"] for entry in of_two] == ["image.delete", "image.create"]
    assert of_two[1]["detail"] == {"reference": "python:3"}
    assert {entry["object"] for entry in (await admin.get("/api/v1/audit?actor=ada")).json()["items"]} >= {"image/one"}
    assert (await admin.get("/api/v1/audit?actor=nobody")).json()["items"] == []
    assert (await admin.get("/api/v1/audit", params={"cursor": first["next_cursor"], "actor": "x"})).status_code == 422
    assert (await admin.get("/api/v1/audit?actor=")).status_code == 422


async def test_the_audit_page_shows_the_same_and_keeps_its_filter(web: Web) -> None:
    async with logged_in(web, "ada", UserRole.ADMIN) as client:
        for number in range(51):
            image = {"name": f"i{number}", "reference": "python:3", "framework": "plain", "description": "<b>x</b>"}
            await client.post("/api/v1/images", json=image)
        page = await client.get("/admin/audit?action=image.create")
        assert ">i50</a>" in page.text
        assert ">i0</a>" not in page.text
        older = next(part.split('"')[0] for part in page.text.split('href="') if "cursor=" in part.split('"')[0])
        rest = await client.get("/admin/audit" + unescape(older))
        assert ">i0</a>" in rest.text
        assert ">i50</a>" not in rest.text
        assert "None match" in (await client.get("/admin/audit?actor=nobody")).text
