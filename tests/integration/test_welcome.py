"""What `taas up` puts into an empty installation, over the API of a real web process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.cli.welcome import Welcome, welcome
from app.domain.project import Framework
from tests.support.database import PostgresForTests
from tests.support.server import WebProcess, web_process
from tests.support.web import settings_for_tests

REFERENCE = "localhost/taas/tensorflow:2.21"


@pytest.fixture
async def server(postgres: PostgresForTests, tmp_path: Path) -> AsyncIterator[WebProcess]:
    async with postgres.fresh() as url, web_process(url, tmp_path) as running:
        yield running


@pytest.fixture
async def client(server: WebProcess) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {server.token}"}
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1/", headers=headers) as opened:
        yield opened


async def test_images_and_storage_are_offered_once(server: WebProcess, client: httpx.AsyncClient) -> None:
    folder = server.home / "storage"
    what = Welcome(images={Framework.TENSORFLOW: REFERENCE}, node="node-1", folder=folder)
    settings = settings_for_tests(server.home, port=server.port)
    for _ in range(2):
        await welcome(settings, what)
    images = (await client.get("images")).json()["items"]
    storages = (await client.get("storages")).json()["items"]
    assert [(image["name"], image["reference"], image["is_default"]) for image in images] == [
        ("tensorflow-2.21", REFERENCE, True)
    ]
    assert [(one["name"], one["kind"], one["is_default"]) for one in storages] == [("default", "local", True)]
    assert storages[0]["config"] == {"path": str(folder), "node": "node-1", "taas_path": str(folder)}
    assert folder.is_dir()


async def test_what_people_chose_stays(server: WebProcess, client: httpx.AsyncClient) -> None:
    own = {"name": "own", "reference": "registry.example.com/tf:1", "framework": "tensorflow", "is_default": True}
    assert (await client.post("images", json=own)).status_code == 201
    what = Welcome(images={Framework.TENSORFLOW: REFERENCE})
    await welcome(settings_for_tests(server.home, port=server.port), what)
    images = (await client.get("images")).json()["items"]
    assert [image["name"] for image in images if image["is_default"]] == ["own"]


async def test_a_refusal_is_told(
    server: WebProcess, client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    what = Welcome(images={Framework.TENSORFLOW: "UPPER/tensorflow:1"})
    await welcome(settings_for_tests(server.home, port=server.port), what)
    assert "The example could not be set up: The reference must be an image" in capsys.readouterr().err
