"""What `taas up` puts into an empty installation, over the API of a real web process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.cli.welcome import Welcome, welcome
from app.domain.project import Framework
from tests.support.server import WebProcess, web_process
from tests.support.web import settings_for_tests

EXAMPLE = Path(__file__).parents[2] / "examples/digits-ps"
REFERENCE = "localhost/taas/tensorflow:2.21"


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[WebProcess]:
    async with web_process(database_url, tmp_path) as running:
        yield running


@pytest.fixture
async def client(server: WebProcess) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {server.token}"}
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1/", headers=headers) as opened:
        yield opened


async def test_what_is_missing_is_made_once(
    server: WebProcess, database_url: str, client: httpx.AsyncClient, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = server.home / "storage"
    what = Welcome(EXAMPLE, images={Framework.TENSORFLOW: REFERENCE}, node="node-1", folder=folder)
    settings = settings_for_tests(server.home, port=server.port)
    first = asyncio.create_task(welcome(settings, what))
    training = await _only_training(client)
    first.cancel()
    assert (training["project"], training["number"], training["state"]) == ("digits", 1, "queued")
    assert training["tasks"]["total"] == 4
    assert training["spec"]["params"] == {"epochs": "40", "batch": "32", "rate": "0.2", "hidden": "64"}
    project = (await client.get("projects/digits")).json()
    assert project["params"]["epochs"]["type"] == "integer"
    assert project["metric"] == {"tag": "test_accuracy", "better": "higher", "run": None}

    # The second start goes on with it to its end; here no worker brings that about.
    second = asyncio.create_task(welcome(settings, what))
    connection = await asyncpg.connect(dsn=database_url)
    await connection.execute(
        "UPDATE trainings SET state = 'succeeded', reason = 'completed', message = 'The chief is done.', "
        "finished_at = now(), status_gen = status_gen + 1"
    )
    await connection.close()
    async with asyncio.timeout(60):
        await second
    told = capfd.readouterr().out
    assert f"/trainings/{training['id']}" in told
    assert "succeeded: The chief is done." in told

    assert [one["id"] for one in await _items(client, "trainings")] == [training["id"]]
    assert [one["number"] for one in await _items(client, "algorithms/digits-ps/versions")] == [1]
    assert [(image["name"], image["reference"], image["is_default"]) for image in await _items(client, "images")] == [
        ("tensorflow-2.21", REFERENCE, True)
    ]
    (storage,) = await _items(client, "storages")
    assert (storage["name"], storage["kind"], storage["is_default"]) == ("default", "local", True)
    assert storage["config"] == {"path": str(folder), "node": "node-1", "taas_path": str(folder)}
    assert folder.is_dir()


async def test_what_people_chose_stays_and_a_refusal_is_told(
    server: WebProcess, client: httpx.AsyncClient, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for_tests(server.home, port=server.port)
    own = {"name": "own", "reference": "registry.example.com/tf:1", "framework": "tensorflow", "is_default": True}
    assert (await client.post("images", json=own)).status_code == 201
    await welcome(settings, Welcome(images={Framework.TENSORFLOW: REFERENCE}))
    assert [image["name"] for image in await _items(client, "images") if image["is_default"]] == ["own"]

    await welcome(settings, Welcome(images={Framework.PLAIN: "team//python:1"}))
    assert "The example could not be set up: The reference must be an image" in capfd.readouterr().err


async def _only_training(client: httpx.AsyncClient) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while not (found := await _items(client, "trainings")):
            await asyncio.sleep(0.05)
    (training,) = found
    return training


async def _items(client: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    return list((await client.get(path)).json()["items"])
