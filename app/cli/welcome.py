"""What `taas up` puts into an installation that has nothing yet, as the first client of its own API.

Only what is missing is made, so starting again finds everything as its people left it.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import typer

from app.domain.project import Framework
from app.domain.training import ENDED
from app.services.first_start import TOKEN_FILE
from app.settings import Settings

STORAGE = "default"
_READY_SECONDS = 0.5  # between two looks whether the worker has found the cluster


@dataclass(frozen=True, slots=True)
class Welcome:
    """`example`: a folder with `run.sh` and `project.json`; `images`: the default of each framework; `node` and
    `folder`: a directory of that node of the cluster, which is this machine, as the default storage."""

    example: Path | None = None
    images: Mapping[Framework, str] = field(default_factory=dict)
    node: str = ""
    folder: Path | None = None


NOTHING = Welcome()


class _Refused(Exception):
    """The API said no; the message is its sentence."""


async def welcome(settings: Settings, what: Welcome) -> None:
    """Make what is missing, start the first training, and show the log of the one that runs. Problems are told."""
    if what == NOTHING:
        return
    token = await asyncio.to_thread((settings.home / TOKEN_FILE).read_text)
    async with httpx.AsyncClient(
        base_url=f"http://{_host(settings)}:{settings.port}",
        headers={"Authorization": f"Bearer {token.strip()}"},
        timeout=httpx.Timeout(60, read=None),
        trust_env=False,
    ) as client:
        try:
            await _answering(client)
            for framework, reference in what.images.items():
                await _offer_image(client, framework, reference)
            if what.folder is not None:
                await _offer_storage(client, what.node, what.folder)
            if what.example is not None:
                await _run_example(client, what.example)
        except (_Refused, httpx.HTTPError, OSError) as exc:
            typer.secho(f"The example could not be set up: {exc}", err=True, fg="yellow")


def _host(settings: Settings) -> str:
    everywhere = settings.host in ("0.0.0.0", "::")
    return "127.0.0.1" if everywhere else f"[{settings.host}]" if ":" in settings.host else settings.host


async def _answering(client: httpx.AsyncClient) -> None:
    """Wait for the server of this same process; for how long is not up to us: Ctrl-C ends both."""
    while True:
        try:
            if (await client.get("/readyz")).status_code == 200:
                return
        except httpx.TransportError:
            pass  # not listening yet
        await asyncio.sleep(_READY_SECONDS)


async def _offer_image(client: httpx.AsyncClient, framework: Framework, reference: str) -> None:
    known = (await _json(client, "GET", f"images?framework={framework}&limit=100"))["items"]
    if any(image["reference"] == reference for image in known):
        return
    name = reference.rpartition("/")[2].partition("@")[0].replace(":", "-")
    body = {"name": name, "reference": reference, "framework": framework}
    await _json(client, "POST", "images", {**body, "is_default": not any(image["is_default"] for image in known)})


async def _offer_storage(client: httpx.AsyncClient, node: str, folder: Path) -> None:
    if await _exists(client, f"storages/{STORAGE}"):
        return
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    path = str(await asyncio.to_thread(folder.resolve))
    config = {"path": path, "node": node, "taas_path": path}
    await _json(client, "POST", "storages", {"name": STORAGE, "kind": "local", "config": config, "is_default": True})


async def _run_example(client: httpx.AsyncClient, folder: Path) -> None:
    project = json.loads(await asyncio.to_thread((folder / "project.json").read_text))
    if not await _exists(client, f"algorithms/{project['algorithm']}"):
        archive = await asyncio.to_thread(_packed, folder)
        files = {"archive": (f"{folder.name}.tar.gz", archive)}
        await _accepted(client.post("/api/v1/algorithms", data={"name": project["algorithm"]}, files=files))
    if not await _exists(client, f"projects/{project['name']}"):
        await _json(client, "POST", "projects", project)
    latest = (await _json(client, "GET", f"trainings?project={project['name']}&limit=1"))["items"]
    training = latest[0] if latest else await _json(client, "POST", f"projects/{project['name']}/trainings", {})
    typer.echo(f"  Project {project['name']}, training {training['number']}: {_page(client, training)}\n")
    training = await _followed(client, training)
    typer.echo(f"\n  {training['state']}: {training['message']}\n")


async def _followed(client: httpx.AsyncClient, training: dict[str, Any]) -> dict[str, Any]:
    """Tell its state as it changes, and from the start of its tasks on their log, until it has ended; its record."""
    path, etag, told = f"/api/v1/trainings/{training['id']}", "", ""
    log: asyncio.Task[None] | None = None
    try:
        while training["state"] not in ENDED:
            state, message = training["state"], training["message"]
            news = state if log else f"{state}{': ' if message else ''}{message}"  # not between the lines of the log
            if news != told:
                typer.echo(f"  {news}")
                told = news
            if log is None and training["started_at"]:
                log = asyncio.create_task(_print_log(client, path))
            answer = await client.get(path, params={"wait": 30}, headers={"If-None-Match": etag} if etag else {})
            if answer.status_code != httpx.codes.NOT_MODIFIED:
                training, etag = _answered(answer), answer.headers["ETag"]
        if log is not None:
            await log  # to its last line
    finally:
        if log is not None:
            log.cancel()
    return training


async def _print_log(client: httpx.AsyncClient, path: str) -> None:
    async with client.stream("GET", f"{path}/logs", params={"follow": "true"}) as answer:
        if answer.is_error:
            await answer.aread()
            _answered(answer)
        async for piece in answer.aiter_bytes():
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()


def _page(client: httpx.AsyncClient, training: dict[str, Any]) -> str:
    return f"{str(client.base_url).rstrip('/')}/trainings/{training['id']}"


def _packed(folder: Path) -> bytes:
    """The folder as a tar.gz, without what Python leaves in it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(folder, arcname=".", filter=lambda entry: None if "__pycache__" in entry.name else entry)
    return buffer.getvalue()


async def _exists(client: httpx.AsyncClient, path: str) -> bool:
    answer = await client.get(f"/api/v1/{path}")
    return answer.status_code != httpx.codes.NOT_FOUND and bool(_answered(answer))


async def _json(client: httpx.AsyncClient, method: str, path: str, body: object = None) -> Any:
    return await _accepted(client.request(method, f"/api/v1/{path}", json=body))


async def _accepted(request: Any) -> Any:
    return _answered(await request)


def _answered(answer: httpx.Response) -> Any:
    if answer.is_error:
        problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        raise _Refused(problem.get("detail") or f"{answer.request.url} answered {answer.status_code}.")
    return answer.json()
