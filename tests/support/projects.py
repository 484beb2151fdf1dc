"""An algorithm and projects of it, made through the API."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import httpx

IMAGE = "registry.example.com/python:3"


async def make_algorithm(client: httpx.AsyncClient, name: str = "hello", **files: bytes) -> None:
    """An algorithm with one version: a `run.sh`, and more `files` if wanted."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("run.sh", "#!/bin/bash\necho hello\n")
        for path, data in files.items():
            packed.writestr(path, data)
    made = await client.post(
        "/api/v1/algorithms", data={"name": name}, files={"archive": ("hello.zip", archive.getvalue())}
    )
    assert made.status_code == 201, made.text


async def make_project(client: httpx.AsyncClient, name: str = "hello", **fields: Any) -> dict[str, Any]:
    """A plain project of `hello` (made if it is not there), with these fields."""
    if (await client.get("/api/v1/algorithms/hello")).status_code == 404:
        await make_algorithm(client)
    body = {"name": name, "algorithm": "hello", "framework": "plain", "image": IMAGE, **fields}
    made = await client.post("/api/v1/projects", json=body)
    assert made.status_code == 201, made.text
    answer: dict[str, Any] = made.json()
    return answer


async def start(client: httpx.AsyncClient, name: str = "hello", **body: Any) -> dict[str, Any]:
    """A training of the project."""
    started = await client.post(f"/api/v1/projects/{name}/trainings", json=body)
    assert started.status_code == 202, started.text
    answer: dict[str, Any] = started.json()
    return answer
