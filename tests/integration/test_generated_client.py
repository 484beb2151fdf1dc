"""A client generated from the OpenAPI document, by a generator that knows nothing of TaaS, does the main job."""

from __future__ import annotations

import asyncio
import importlib
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from app.main import create_app
from tests.support.database import PostgresForTests
from tests.support.server import WebProcess, web_process
from tests.support.web import settings_for_tests

PACKAGE = "generated_taas_client"


@pytest.fixture(scope="module")
async def server(postgres: PostgresForTests, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WebProcess]:
    async with postgres.fresh() as url, web_process(url, tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that holds the generated package."""
    folder = tmp_path_factory.mktemp("generated")
    document = folder / "openapi.json"
    document.write_text(json.dumps(create_app(settings_for_tests(folder)).openapi()))
    tool = Path(sys.executable).parent / "openapi-python-client"
    where = ["--path", document, "--output-path", folder / PACKAGE, "--config", _without_hooks(folder)]
    made = subprocess.run([tool, "generate", "--meta", "none", *where], capture_output=True, text=True, check=True)
    # Anything it could not understand would be missing from the client.
    warnings = [line for line in made.stdout.splitlines() if line.startswith(("WARNING", "ERROR"))]
    assert [line for line in warnings if "/archive " not in line and "/files/" not in line] == []
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


def _without_hooks(folder: Path) -> Path:
    config = folder / "config.yaml"
    config.write_text("post_hooks: []\n")
    return config


def part(name: str) -> ModuleType:
    return importlib.import_module(f"{PACKAGE}.{name}")


async def test_a_generated_client_uploads_an_algorithm(server: WebProcess, generated: Path) -> None:
    client = part("client").AuthenticatedClient(base_url=server.url, token=server.token)
    upload = part("api.algorithms.create_algorithm")
    file = part("types").File(payload=io.BytesIO(archive()), file_name="a.tar.gz", mime_type="application/gzip")
    body = part("models").CreateAlgorithmBody(name="generated", archive=file)
    async with client:
        answer: Any = await asyncio.to_thread(upload.sync_detailed, client=client, body=body)
        assert answer.status_code == 201, answer.content
        assert answer.parsed.version.number == 1
        listed: Any = await part("api.algorithms.list_algorithms").asyncio(client=client)
    assert [item.name for item in listed.items] == ["generated"]


async def test_it_makes_a_project_and_starts_a_training(server: WebProcess, generated: Path) -> None:
    client = part("client").AuthenticatedClient(base_url=server.url, token=server.token)
    models = part("models")
    file = part("types").File(payload=io.BytesIO(archive()), file_name="a.tar.gz", mime_type="application/gzip")
    upload = models.CreateAlgorithmBody(name="started", archive=file)
    project = models.ProjectIn(
        name="started", algorithm="started", framework=models.Framework.PLAIN, image="python:3", args=["--epochs", "3"]
    )
    async with client:
        await asyncio.to_thread(part("api.algorithms.create_algorithm").sync, client=client, body=upload)
        made: Any = await part("api.projects.create_project").asyncio(client=client, body=project)
        start = part("api.projects.start_training")
        training: Any = await start.asyncio("started", client=client, body=models.StartIn(notes="by a client"))
        shown: Any = await part("api.trainings.get_training").asyncio(training.id, client=client)
    assert made.args == ["--epochs", "3"]
    assert (training.state, training.number) == (models.State.QUEUED, 1)
    assert (shown.id, shown.notes, shown.spec.roles["worker"].count) == (training.id, "by a client", 1)


async def test_it_understands_refusals(server: WebProcess, generated: Path) -> None:
    client = part("client").AuthenticatedClient(base_url=server.url, token="taas_wrong")
    async with client:
        problem: Any = await part("api.session.get_session").asyncio(client=client)
    assert problem.code == "not_authenticated"
    assert problem.status == 401


def archive() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        script = b"#!/usr/bin/env bash\necho trained\n"
        member = tarfile.TarInfo("run.sh")
        member.size = len(script)
        tar.addfile(member, io.BytesIO(script))
    return packed.getvalue()
