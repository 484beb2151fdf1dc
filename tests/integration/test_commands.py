"""What pages give for a shell does what their buttons do: run by the real curl against a real server."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.domain.access import UserRole
from tests.support.hooks import deliver, make_hook
from tests.support.projects import make_project, start
from tests.support.served import served
from tests.support.served_models import furnish, project_on, trained
from tests.support.training_rows import set_state
from tests.support.visitor import logged_in
from tests.support.web import HOST, Web

_COMMAND = re.compile(
    r'<div>(?:<p class="form-label">([^<]*)</p>)?\s*<div class="copy-lines"><pre[^>]* id="([^"]+)">(.*?)</pre>',
    re.DOTALL,
)


class Shell:
    """The commands of a page, and a bash that runs them as `who`, a browser that is logged in."""

    def __init__(self, who: httpx.AsyncClient, url: str, token: str) -> None:
        self.who = who
        self._url = url
        self._token = token

    async def commands(self, page: str) -> dict[str, str]:
        """By the words above each, or by its id where there are none."""
        answer = await self.who.get(page)
        assert answer.status_code == 200, answer.text
        block = (
            r'<div>(?:<p class="form-label">([^<]*)</p>)?\s*<div class="copy-lines"><pre[^>]* id="([^"]+)">(.*?)</pre>'
        )
        return {
            unescape(words or id_): unescape(text) for words, id_, text in re.findall(block, answer.text, re.DOTALL)
        }

    async def run(self, command: str) -> Any:
        process = await asyncio.create_subprocess_exec(
            "bash", "-euc", command.replace(HOST, self._url),
            env={"PATH": os.environ["PATH"], "TAAS_TOKEN": self._token},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        told, trouble = await process.communicate()
        assert process.returncode == 0, f"{command}\n{told.decode()}{trouble.decode()}"
        return json.loads(told)


@pytest.fixture
async def shell(web: Web) -> AsyncIterator[Shell]:
    async with logged_in(web, "ada", UserRole.ADMIN) as client, served(web) as url:
        token = (await client.post("/api/v1/tokens", json={"name": "shell"})).json()["token"]
        yield Shell(client, url, token)


async def test_of_a_training(web: Web, shell: Shell) -> None:
    await make_project(shell.who)
    training = await start(shell.who)
    page = f"/trainings/{training['id']}"
    found = await shell.commands(page)
    assert list(found) == ["Look at it", "Follow its log", "Stop it", "Run it again, once it has ended"]
    assert (await shell.run(found["Look at it"]))["number"] == 1
    stopped = await shell.run(found["Stop it"])
    assert stopped["stop_requested_by"] == "ada"
    await set_state(web, training, "stopped")
    assert (await shell.run(found["Run it again, once it has ended"]))["number"] == 2
    async with logged_in(web, "vic", UserRole.VIEWER) as viewer:
        assert list(await Shell(viewer, "", "").commands(page)) == ["Look at it", "Follow its log"]
    [listed] = (await shell.commands("/trainings?state=stopped")).values()
    assert [one["number"] for one in (await shell.run(listed))["items"]] == [1]


async def test_of_a_timed_project(shell: Shell) -> None:
    await make_project(shell.who, schedule={"cron": "0 3 * * *", "start": "2026-01-01T00:00:00Z"})
    found = await shell.commands("/projects/hello")
    assert (await shell.run(found["Pause its schedule"]))["timing"]["paused_by"] == "ada"
    assert (await shell.run(found["Resume it, and leave out what was due"]))["timing"]["paused_at"] is None
    [backfill] = (await shell.commands("/projects/hello/backfills")).values()
    assert (await shell.run(backfill))["counts"]["waiting"] == 7


async def test_of_a_serving(web: Web, shell: Shell, tmp_path: Path) -> None:
    await furnish(shell.who, tmp_path / "disk")
    await project_on(web, shell.who, tmp_path / "disk")
    first = await trained(web, shell.who, tmp_path / "disk", "export/1")
    second = await trained(web, shell.who, tmp_path / "disk", "export/1")
    made = await shell.who.post("/api/v1/servings", json={"training": first["id"]})
    page = f"/servings/{made.json()['id']}"
    assert list(await shell.commands(page)) == ["Change the number of replicas", "Stop"]
    await shell.who.post(f"/api/v1{page}/versions", json={"training": second["id"], "canary_percent": 5})
    found = await shell.commands(page)
    assert (await shell.run(found["Give a version a share of the requests"]))["canary"]["percent"] == 10
    assert (await shell.run(found["End the canary"]))["canary"] is None
    assert (await shell.run(found["Make a version live"]))["live"] == 2
    assert (await shell.run((await shell.commands(page))["Roll back to 1"]))["live"] == 1
    more = found["Change the number of replicas"].replace('"replicas": 2', '"replicas": 3')
    assert (await shell.run(more))["replicas"] == 3
    assert (await shell.run(found["Stop"]))["id"] == made.json()["id"]


async def test_of_a_delivery_that_is_sent_again(web: Web, shell: Shell) -> None:
    await make_project(shell.who)
    hook = await make_hook(shell.who, rules=[{"param": "lr", "path": "/lr", "type": "number"}])
    await deliver(web, hook, b'{"lr": 0.5}', {"content-type": "application/json"})
    given = await shell.commands(f"/projects/hello/hooks/{hook.id}")
    [replay] = [text for id_, text in given.items() if id_.startswith("replay")]
    await shell.run(replay)
    started = (await shell.who.get("/api/v1/trainings")).json()["items"]
    assert [one["spec"]["params"] for one in started] == [{"lr": "0.5"}] * 2


async def test_of_an_upload(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("echo hello\n")
    [new] = (await shell.commands("/new/algorithm")).values()
    await shell.run(new.replace("NAME", "mine").replace("FOLDER", str(tmp_path)))
    (tmp_path / "run.sh").write_text("echo hello again\n")
    [another] = (await shell.commands("/algorithms/mine/versions/new")).values()
    assert (await shell.run(another.replace("FOLDER", str(tmp_path))))["number"] == 2
