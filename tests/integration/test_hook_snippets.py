"""What is given to be pasted into pipelines: run, parsed, or tried against the packages that it is for."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from app.domain.hook import ParamRule, ParamType
from app.domain.snippets import example, only_here
from tests.support.hooks import MadeHook, make_hook, trainings
from tests.support.pages import write
from tests.support.projects import make_project
from tests.support.served import served
from tests.support.web import Web

RULES = [
    {"param": "path", "path": "/data/0/path"},
    {"param": "epochs", "path": "/epochs", "type": "integer"},
    {"param": "who", "path": "/who", "default": 'it\'s "me" é'},
]
PARAMS = {"path": "some text", "epochs": "3", "who": 'it\'s "me" é'}
AIRFLOW = "apache-airflow-providers-http==6.3.0"
JOB_KEYS = {"name", "runs-on", "steps", "env", "permissions"}
STEP_KEYS = {"name", "env", "run"}


async def snippets(client: httpx.AsyncClient, hook: MadeHook) -> dict[str, dict[str, Any]]:
    found = await client.get(f"{hook.api}/snippets")
    assert found.status_code == 200
    assert hook.token not in found.text
    return {one["name"]: one for one in found.json()}


async def bash(script: str, hook: MadeHook, **more: str) -> tuple[int | None, str]:
    environment = {"PATH": os.environ["PATH"], "TAAS_HOOK_TOKEN": hook.token, "TAAS_HOOK_SECRET": hook.secret or ""}
    process = await asyncio.create_subprocess_exec(
        "bash", "-euc", script, env=environment | more, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    told, _ = await process.communicate()
    return process.returncode, told.decode()


@pytest.mark.parametrize("signing", ["none", "standard", "github"])
async def test_the_shells_starts_a_training(web: Web, member: httpx.AsyncClient, signing: str) -> None:
    """Against a real server, by the real curl, as in GitHub's step too; sent twice in one run it is one delivery."""
    await make_project(member)
    hook = await make_hook(member, signing=signing, rules=RULES)
    async with served(web) as url:
        found = await snippets(member, hook)
        for name in ("curl", "github"):
            script = found[name]["text"].replace("http://127.0.0.1:8000", url)
            if name == "github":
                script = yaml.safe_load(script)["jobs"]["train"]["steps"][0]["run"]
            for _ in range(2):
                code, told = await bash(script, hook, RUN_ID=f"run-{name}")
                assert (code, '"training"' in told) == (0, True), told
    assert [one["spec"]["params"] for one in await trainings(member)] == [PARAMS, PARAMS]


async def test_a_refusal_ends_the_shells_step(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member)
    hook = await make_hook(member)
    async with served(web) as url:
        script = (await snippets(member, hook))["curl"]["text"].replace("http://127.0.0.1:8000", url)
        code, told = await bash(script, MadeHook(hook.id, "hk_wrong", None))
    assert code == 22
    assert "no such hook" in told


async def test_the_workflows_are_what_github_and_argo_read(member: httpx.AsyncClient) -> None:
    await make_project(member)
    found = await snippets(member, await make_hook(member, rules=RULES))
    workflow = yaml.load(found["github"]["text"], Loader=yaml.BaseLoader)  # `on` is a word here, not true
    assert set(workflow) == {"name", "on", "jobs"}
    assert set(workflow["on"]["push"]) == {"branches"}
    for job in workflow["jobs"].values():
        assert set(job) <= JOB_KEYS
        assert all(set(step) <= STEP_KEYS for step in job["steps"])
    assert "secrets.TAAS_HOOK_TOKEN" in workflow["jobs"]["train"]["steps"][0]["env"]["TAAS_HOOK_TOKEN"]
    argo = yaml.safe_load(found["argo"]["text"])
    [template] = argo["spec"]["templates"]
    assert (argo["kind"], template["name"]) == ("Workflow", argo["spec"]["entrypoint"])
    assert set(template["http"]) == {"url", "method", "headers", "body", "successCondition"}
    assert yaml.safe_load(template["http"]["body"])["epochs"] == 3
    compile(found["dagster"]["text"], "dagster", "exec")


async def test_each_note_says_what_is_to_be_filled_in(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member)
    token = "what follows /hooks/ in the hook's address"
    unsigned = await snippets(member, await make_hook(member))
    assert list(unsigned) == ["curl", "github", "airflow", "dagster", "argo"]
    for name, one in unsigned.items():
        assert token in one["note"], name
        assert "TAAS_HOOK_SECRET" not in one["note"] + one["text"], name
        assert "http://127.0.0.1:8000" in one["text"] + one["note"], name
    assert "workflows.argoproj.io/configmap-type: Parameter" in unsigned["argo"]["note"]
    signed = await snippets(member, await make_hook(member, name="signed", signing="github"))
    assert list(signed) == ["curl", "github"]
    for name, one in signed.items():
        assert f"TAAS_HOOK_TOKEN, {token}; TAAS_HOOK_SECRET, its secret to sign with" in one["note"], name


def test_a_payload_for_trying_has_values_of_the_types_that_the_rules_name() -> None:
    """A page keeps every default as text."""
    types = {"a": "integer", "b": "number", "c": "boolean", "d": "string", "e": "number"}
    defaults = {"a": "3", "b": "0.5", "c": "false", "d": "3", "e": "1e999"}
    rules = [ParamRule(name, f"/{name}", ParamType(types[name]), default=defaults[name]) for name in types]
    assert example(rules) == {"a": 3, "b": 0.5, "c": False, "d": "3", "e": "1e999"}
    assert example([replace(rules[0], default=7)]) == {"a": 7}


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost:8000", True),
        ("http://[::1]:8000", True),
        ("https://taas.example.com", False),
        ("http://10.0.0.7:8000", False),
    ],
)
def test_an_address_that_only_this_machine_reaches_is_known(base: str, expected: bool) -> None:
    assert only_here(base) is expected


async def test_airflow_itself_takes_its_snippet(member: httpx.AsyncClient, tmp_path: Path) -> None:
    """The real packages make a DAG of it: every name is there, every argument is known."""
    await make_project(member)
    found = await snippets(member, await make_hook(member, rules=RULES))
    dag = tmp_path / "dag.py"
    dag.write_text(found["airflow"]["text"] + "print([type(task).__name__ for task in start.dag.tasks])\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VIRTUAL_ENV", "TAAS_"))}
    process = await asyncio.create_subprocess_exec(
        Path("scripts/uv").absolute(),
        *("run", "-q", "--no-project", "--isolated", "--python", sys.executable),
        *("--with", "apache-airflow", "--with", AIRFLOW, "python", dag),
        env=environment | {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"},
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    assert "['HttpOperator', 'HttpSensor', 'HttpOperator']" in told.decode(), told.decode()[-2000:]


async def test_an_outcome_is_there_once_there_is_one(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member)
    started = (await member.post("/api/v1/projects/hello/trainings")).json()
    address = f"/api/v1/trainings/{started['id']}/outcome"
    waiting = await member.get(address)
    assert (waiting.status_code, waiting.json()["code"]) == (404, "not_ended")
    await write(web, started["id"], state="failed", reason="task_failed", message="worker-0 failed", finished_at=True)
    ended = (await member.get(address)).json()
    assert (ended["state"], ended["message"]) == ("failed", "worker-0 failed")
