"""The whole API against its own document: made-up requests, good and bad, get documented answers and never a 5xx."""

from __future__ import annotations

import io
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from app.main import create_app
from tests.support.database import PostgresForTests
from tests.support.server import WebProcess, web_process
from tests.support.web import settings_for_tests


def light(node: Any) -> Any:
    """The document without limits of megabytes: each would be tried, in every field that has it, on every operation."""
    if isinstance(node, dict):
        return {
            key: light(value)
            for key, value in node.items()
            if not (key == "maxLength" and isinstance(value, int) and value > 10_000)
        }
    return [light(part) for part in node] if isinstance(node, list) else node


schema = schemathesis.openapi.from_dict(light(create_app(settings_for_tests(Path("unused"))).openapi()))

SEEDED = "seeded"
# Filled when the server runs: what a path parameter has to be to meet something that is there.
there: dict[str, Any] = {"name": SEEDED, "number": 1, "path": "run.sh"}


@pytest.fixture(scope="module")
async def server(postgres: PostgresForTests, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WebProcess]:
    async with postgres.fresh() as url, web_process(url, tmp_path_factory.mktemp("home")) as running:
        headers = {"Authorization": f"Bearer {running.token}"}
        async with httpx.AsyncClient(base_url=f"{running.url}/api/v1", headers=headers) as client:
            await seed(client)
        yield running


async def seed(client: httpx.AsyncClient) -> None:
    """One of each."""
    bodies: dict[str, dict[str, Any]] = {
        "users": {"password": "a good password"},
        "images": {"reference": "python:3.13", "framework": "plain"},
        "registries": {"host": "registry.example.com", "username": "robot", "password": "secret"},
        "storages": {"kind": "nfs", "config": {"server": "nfs.example.com", "path": "/srv"}},
    }
    for collection, body in bodies.items():
        (await client.post(f"/{collection}", json={"name": SEEDED} | body)).raise_for_status()
    upload = {"archive": ("a.tar.gz", archive(), "application/gzip")}
    (await client.post("/algorithms", data={"name": SEEDED}, files=upload)).raise_for_status()
    project = {"name": SEEDED, "algorithm": SEEDED, "framework": "plain", "image": "python:3.13"}
    (await client.post("/projects", json=project)).raise_for_status()
    started = await client.post(f"/projects/{SEEDED}/trainings", json={})
    there["training_id"] = started.raise_for_status().json()["id"]
    hook = await client.post("/webhooks", json={"url": "https://example.invalid/", "kinds": ["failed"]})
    there["webhook_id"] = hook.raise_for_status().json()["id"]
    tested = await client.post(f"/webhooks/{there['webhook_id']}/test")
    there["delivery_id"] = tested.raise_for_status().json()["id"]


def archive() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        script = b"#!/usr/bin/env bash\necho trained\n"
        member = tarfile.TarInfo("run.sh")
        member.size = len(script)
        tar.addfile(member, io.BytesIO(script))
    return packed.getvalue()


@schema.parametrize()
@settings(max_examples=8, suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_answer_is_as_documented(case: schemathesis.Case, server: WebProcess) -> None:
    # What a schema cannot say (a cursor's origin, a kind's settings) is refused with 422, as documented.
    excluded: list[Any] = [positive_data_acceptance]
    if case.path_parameters and case.method != "DELETE" and len(str(case.path_parameters)) % 4:
        # Three times out of four the made-up address leads to something that is there.
        case.path_parameters = {name: there.get(name, value) for name, value in case.path_parameters.items()}
        excluded.append(negative_data_rejection)
    hurry(case)
    headers = {"Authorization": f"Bearer {server.token}"}
    case.call_and_validate(base_url=server.url, headers=headers, excluded_checks=excluded)


def hurry(case: schemathesis.Case) -> None:
    """Nothing here ever changes or ends: a request that waits for it is told not to."""
    query = case.query or {}
    if isinstance(wait := query.get("wait"), int | float) and 0 < wait <= 60:
        query["wait"] = 0.1
    if query.get("follow") in (True, "true"):
        query["follow"] = "false"
