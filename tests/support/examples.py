"""The examples through the API: upload one, make its project, run it, read what it leaves."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import re
import time
import zipfile
from pathlib import Path
from typing import Any

import httpx

EXAMPLES = Path(__file__).parents[2] / "examples"
ENDS = {"succeeded", "failed", "stopped", "timed_out"}
_LAST_LINE = re.compile(r"log sha256 \(of (\d+) lines before this one\): ([0-9a-f]{64})\n")


async def upload_example(client: httpx.AsyncClient, example: str) -> dict[str, Any]:
    """A new algorithm of the example's files, zipped."""
    archive = zipped(EXAMPLES / example)
    answer = await client.post("algorithms", data={"name": example}, files={"archive": (f"{example}.zip", archive)})
    return _body(answer, 201)


async def make_project(client: httpx.AsyncClient, example: str, **changes: Any) -> dict[str, Any]:
    """The example's own project, with changes."""
    project = json.loads((EXAMPLES / example / "project.json").read_text())
    return _body(await client.post("projects", json=project | changes), 201)


async def start(client: httpx.AsyncClient, project: str, **overrides: Any) -> dict[str, Any]:
    """A training's record."""
    return _body(await client.post(f"projects/{project}/trainings", json=overrides), 202)


async def ended(client: httpx.AsyncClient, training: dict[str, Any], *, within: float) -> dict[str, Any]:
    """The record once it has ended and its namespace is gone; `within` seconds, else the failure says where it is."""
    return await _until(
        client, training, lambda record: record["state"] in ENDS and record["namespace_state"] == "gone", within=within
    )


async def in_state(client: httpx.AsyncClient, training: dict[str, Any], *states: str, within: float) -> dict[str, Any]:
    """The record once it is in one of the states."""
    return await _until(client, training, lambda record: record["state"] in states, within=within)


async def log_of(client: httpx.AsyncClient, training: dict[str, Any], task: str) -> bytes:
    """The log of a task's last try, byte for byte."""
    answer = await client.get(f"trainings/{training['id']}/logs", params={"task": task})
    assert answer.status_code == 200, answer.text
    return answer.content


async def log_shows(
    client: httpx.AsyncClient, training: dict[str, Any], task: str, text: bytes, *, within: float
) -> bytes:
    """Follow a task's log until `text` is in it; what was read so far."""
    log = b""
    async with asyncio.timeout(within):
        while True:  # the log of a task without a pod yet may be empty, and its stream over
            params = {"task": task, "follow": "true"}
            async with client.stream("GET", f"trainings/{training['id']}/logs", params=params) as answer:
                log = b""
                async for piece in answer.aiter_bytes():
                    log += piece
                    if text in log:
                        return log
            record = _body(await client.get(f"trainings/{training['id']}"), 200)
            assert record["state"] not in ENDS, f"{text!r} was not in the log: {log[-2000:]!r}"
            await asyncio.sleep(0.2)


async def tasks_of(client: httpx.AsyncClient, training: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The task rows by name, such as `worker-0`."""
    answer = _body(await client.get(f"trainings/{training['id']}/tasks", params={"limit": 100}), 200)
    return {task["task"]: task for task in answer["items"]}


def accuracy_in(log: bytes) -> float:
    """What the example's last words say."""
    found = re.findall(rb"^test accuracy: ([0-9.]+)$", log, re.MULTILINE)
    assert len(found) == 1, log[-2000:]
    return float(found[0])


def assert_whole(log: bytes) -> None:
    """The log of digits-ps ends with the checksum of everything before."""
    lines = log.split(b"\n")
    before, last = b"\n".join(lines[:-2]) + b"\n", lines[-2].decode() + "\n"
    found = _LAST_LINE.fullmatch(last)
    assert found, f"the last line is {last!r}"
    assert (before.count(b"\n"), hashlib.sha256(before).hexdigest()) == (int(found[1]), found[2])


def zipped(folder: Path) -> bytes:
    """The folder's files as a zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, str(path.relative_to(folder)))
    return buffer.getvalue()


async def _until(client: httpx.AsyncClient, training: dict[str, Any], holds: Any, *, within: float) -> dict[str, Any]:
    """Long-polls, so that nothing is asked twice without a change."""
    path = f"trainings/{training['id']}"
    deadline = time.monotonic() + within
    etag, record = "", training
    while True:
        left = deadline - time.monotonic()
        assert left > 0, f"after {within} s: {json.dumps(record, indent=1)}"
        answer = await client.get(
            path, params={"wait": min(30.0, left)}, headers={"If-None-Match": etag} if etag else {}
        )
        if answer.status_code != 304:
            record, etag = _body(answer, 200), answer.headers["ETag"]
            if holds(record):
                return record


def _body(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: {answer.text}"
    body: dict[str, Any] = answer.json()
    return body
