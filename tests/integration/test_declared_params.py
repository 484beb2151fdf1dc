"""Declared parameters: one check for whatever starts a training, and the same in forms, history and clones."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import httpx

from app.db import claims, reconcile
from app.db.reconcile import Holder, Outcome
from app.domain.access import UserRole
from app.domain.decision import Status
from app.domain.training import State
from tests.support.hooks import deliver, make_hook, trainings
from tests.support.projects import make_project, start
from tests.support.visitor import logged_in
from tests.support.web import Web

DECLARED: dict[str, Any] = {
    "lr": {"type": "number", "default": "0.01", "min": 0.0001, "max": 1, "help": "How far each step goes."},
    "epochs": {"type": "integer", "required": True, "min": 1, "max": 100},
    "optimizer": {"type": "choice", "default": "adam", "choices": ["adam", "sgd"]},
    "augment": {"type": "boolean"},
}
ARGS = ["--lr={{ params.lr }}", "--epochs={{ params.epochs }}", "--with={{ params.optimizer }}"]
WRONG = "lr must be a number from 0.0001 to 1; '7' is not."


async def refused(client: httpx.AsyncClient, params: dict[str, str], path: str = "trainings") -> dict[str, str]:
    answer = await client.post(f"/api/v1/projects/hello/{path}", json={"params": params})
    assert answer.status_code == 422, answer.text
    return {error["pointer"]: error["detail"] for error in answer.json()["errors"]}


async def test_a_start_is_checked_and_gets_the_defaults(member: httpx.AsyncClient) -> None:
    project = await make_project(member, args=ARGS, params=DECLARED)
    assert list(project["params"]) == list(DECLARED)
    assert project["params"]["epochs"] == {
        "type": "integer", "default": None, "min": 1, "max": 100, "choices": [], "required": True, "help": ""
    }  # fmt: skip
    wrong = {"lr": "7", "optimizer": "none"}
    for path in ("trainings", "preview"):
        assert await refused(member, wrong, path) == {
            "/params/lr": WRONG,
            "/params/epochs": "epochs has to be given: a whole number from 1 to 100.",
            "/params/optimizer": "optimizer must be one of adam, sgd; 'none' is not.",
        }
    started = await start(member, params={"epochs": "3", "extra": "x"})
    assert started["spec"]["params"] == {"lr": "0.01", "epochs": "3", "optimizer": "adam", "extra": "x"}
    change = {"only_declared_params": True}
    changed = await member.patch("/api/v1/projects/hello", json=change, headers={"If-Match": '"1"'})
    assert changed.json()["params"] == project["params"]
    told = await refused(member, {"epochs": "3", "extra": "x"})
    assert told["/params/extra"].endswith("Only lr, epochs, optimizer, augment can be given.")


async def test_a_record_says_what_the_program_was_given(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client, args=[*ARGS, "--run={{ number }}"], params=DECLARED)
        started = await start(client, params={"epochs": "3"})
        assert started["arguments"] == ["--lr=0.01", "--epochs=3", "--with=adam", "--run=1"]
        assert started["spec"]["args"] == [*ARGS, "--run={{ number }}"]
        record = (await client.get(f"/trainings/{started['id']}")).text
        assert "--lr=0.01\n--epochs=3\n--with=adam\n--run=1\n" in record
        assert "{{ params.lr }}" not in record
        assert "{{ params.lr }}" in unescape((await client.get("/projects/hello")).text)


async def test_a_declaration_is_checked_itself(member: httpx.AsyncClient) -> None:
    await make_project(member)
    body = {"params": {"lr": {"type": "number", "default": "7", "max": 1}}, "only_declared_params": True, "args": ARGS}
    answer = await member.patch("/api/v1/projects/hello", json=body, headers={"If-Match": '"1"'})
    assert answer.status_code == 422
    told = {error["pointer"] for error in answer.json()["errors"]}
    assert told == {"/params/lr/default", "/args/1", "/args/2"}


async def test_history_and_clones_have_them(member: httpx.AsyncClient) -> None:
    await make_project(member, args=ARGS, params=DECLARED)
    change = {"params": {**DECLARED, "lr": {"type": "number", "default": "0.1", "min": 0, "max": 1}}}
    await member.patch("/api/v1/projects/hello", json=change, headers={"If-Match": '"1"'})
    [edit, _] = (await member.get("/api/v1/projects/hello/revisions")).json()["items"]
    changed = {one["field"]: (one["before"], one["after"]) for one in edit["changes"]}
    assert changed == {
        "/params/lr/default": ("0.01", "0.1"),
        "/params/lr/min": (0.0001, 0),
        "/params/lr/help": ("How far each step goes.", None),
    }
    clone = (await member.post("/api/v1/projects/hello/clone", json={"name": "other"})).json()
    assert clone["params"] == (await member.get("/api/v1/projects/hello")).json()["params"]


async def test_hooks_pass_the_same_check(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member, params={"lr": DECLARED["lr"]})
    hook = await make_hook(member, rules=[{"param": "lr", "path": "/lr", "type": "number"}])
    answer = await deliver(web, hook, b'{"lr": 7}', {"content-type": "application/json"})
    assert answer.status_code == 422
    assert [(error["pointer"], error["detail"]) for error in answer.json()["errors"]] == [("/params/lr", WRONG)]
    assert (await deliver(web, hook, b'{"lr": 0.5}', {"content-type": "application/json"})).status_code == 202


async def test_what_follows_passes_the_same_check(web: Web, member: httpx.AsyncClient) -> None:
    await make_project(member, "before")
    await make_project(member, params={"lr": DECLARED["lr"]})
    follow = {"upstream": "before", "params": {"lr": "{{ params.lr }}"}}
    follow = (await member.post("/api/v1/projects/hello/follows", json=follow)).json()
    for lr in ("7", "0.5"):
        await start(member, "before", params={"lr": lr})
        async with web.context.database.transaction() as connection:
            [claimed] = await claims.claim(connection, worker="a", seconds=60, most=1)
            ended = Outcome(replace(Status.of(claimed.training), state=State.SUCCEEDED))
            holder = Holder("a", claimed.epoch)
            await reconcile.write(connection, claimed.training, ended, holder=holder, now=claimed.now)
        await web.context.chains.carry_out()
    starts = (await member.get(f"/api/v1/follows/{follow['id']}/starts")).json()["items"]
    assert [one["problem"] for one in starts] == ["", f"params.lr: {WRONG}"]
    assert [one["spec"]["params"] for one in await trainings(member)] == [{"lr": "0.5"}]


async def test_a_schedule_starts_with_the_defaults(web: Web, member: httpx.AsyncClient) -> None:
    hourly = {"interval": "PT1H"}
    body = {"name": "hello", "framework": "plain", "schedule": hourly, "params": DECLARED}
    await make_project(member, "other")
    refused = await member.post("/api/v1/projects", json={**body, "algorithm": "hello"})
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/image", "/params/epochs/required"]
    project = await make_project(member, schedule=hourly, args=["{{ params.lr }}"], params={"lr": DECLARED["lr"]})
    due = datetime.fromisoformat(project["timing"]["next_at"])
    for hour in (0, 1):
        await web.context.firing.fire(now=due + timedelta(hours=hour))
        async with web.context.database.transaction() as connection:
            for claimed in await claims.claim(connection, worker="a", seconds=60, most=9):
                ended = Outcome(replace(Status.of(claimed.training), state=State.STOPPED))
                holder = Holder("a", claimed.epoch)
                await reconcile.write(connection, claimed.training, ended, holder=holder, now=claimed.now)
    assert [one["spec"]["params"] for one in await trainings(member)] == [{"lr": "0.01"}] * 2


async def test_a_backfill_is_refused_at_once(member: httpx.AsyncClient) -> None:
    daily = {"cron": "0 3 * * *", "start": "2026-01-01T00:00:00Z"}
    await make_project(member, schedule=daily, params={"lr": DECLARED["lr"]})
    body = {"from": "2025-03-03T00:00:00Z", "to": "2025-03-10T00:00:00Z", "overrides": {"params": {"lr": "7"}}}
    answer = await member.post("/api/v1/projects/hello/backfills", json=body)
    assert answer.status_code == 422
    assert WRONG in answer.json()["detail"]


async def test_a_form_declares_them_and_shows_mistakes_where_they_are(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client, args=ARGS, params=DECLARED)
        fields = form_fields((await client.get("/projects/hello/edit")).text)
        assert fields["declared.name"] == [*DECLARED]
        assert fields["declared.max"] == ["1", "100", "", ""]
        saved = await client.post("/projects/hello/edit", data=fields)
        assert saved.status_code == 303, saved.text
        same = (await client.get("/api/v1/projects/hello")).json()
        assert same["params"] == filled_in(DECLARED)
        fields |= {"revision": "2", "declared.min": ["2", "one", "", ""], "only_declared_params": ["yes"]}
        wrong = await client.post("/projects/hello/edit", data=fields)
        assert wrong.status_code == 422
        assert "&#39;one&#39; is not a number" in wrong.text
        fields |= {"declared.min": ["2", "1", "", ""]}
        wrong = await client.post("/projects/hello/edit", data=fields)
        assert re.search(r'id="param-0-max"[^>]*aria-invalid="true"', wrong.text)
        assert 'value="yes" checked' in wrong.text


async def test_the_launch_form_draws_an_input_for_each(web: Web) -> None:
    async with logged_in(web, "ada", UserRole.MEMBER) as client:
        await make_project(client, args=[*ARGS, "{{ params.other }}"], params=DECLARED)
        page = (await client.get("/projects/hello/launch")).text
        names = re.findall(r'name="param_name" value="(\w+)"', page)
        assert names == [*DECLARED, "other"]
        assert "a number from 0.0001 to 1; left empty: 0.01" in page
        assert re.search(r'<select[^>]*id="p-optimizer"', page)
        sent = {"param_name": names, "roles.worker.count": "1", "args": ARGS}
        wrong = await client.post(
            "/projects/hello/launch", data={**sent, "param_value": ["7", "3", "sgd", "", ""]}, follow_redirects=False
        )
        assert wrong.status_code == 422
        assert re.search(r'id="p-lr"[^>]*aria-invalid="true"', wrong.text)
        made = await client.post("/projects/hello/launch", data={**sent, "param_value": ["", "3", "sgd", "", ""]})
        assert made.status_code == 303, made.text
        [training] = (await client.get("/api/v1/trainings")).json()["items"]
        assert training["spec"]["params"] == {"lr": "0.01", "epochs": "3", "optimizer": "sgd", "other": ""}


TEXTS: dict[str, Any] = {
    "suffix": {"default": "-base"},
    "prefix": {},
    "comment": {"default": ""},
    "name": {"required": True},
    "epochs": {"type": "integer", "default": "3"},
}


async def test_an_empty_text_is_not_the_default(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client, params=TEXTS)
        page = (await client.get("/projects/hello/launch")).text
        assert re.findall(r'name="param_empty" value="(\w+)" data-empties="p-(\w+)"', page) == [
            ("suffix", "suffix"), ("prefix", "prefix")
        ]  # fmt: skip
        assert "left empty: -base" in page
        sent = {"param_name": [*TEXTS], "roles.worker.count": "1", "param_value": ["", "", "", "n", ""]}

        async def ran_with(**more: Any) -> dict[str, str]:
            made = await client.post("/projects/hello/launch", data={**sent, **more})
            assert made.status_code == 303, made.text
            return dict((await client.get(f"/api/v1{made.headers['location']}")).json()["spec"]["params"])

        unset = {"suffix": "-base", "comment": "", "name": "n", "epochs": "3"}
        assert await ran_with() == unset
        assert await ran_with(param_empty=["suffix", "prefix"]) == unset | {"suffix": "", "prefix": ""}

        [last, _] = (await client.get("/api/v1/trainings")).json()["items"]
        again = (await client.get(f"/projects/hello/launch?like={last['id']}")).text
        assert re.findall(r'value="(\w+)" data-empties="[^"]+" checked', again) == ["suffix", "prefix"]
        assert re.search(r'id="p-suffix" name="param_value" value=""', again)
        assert '"suffix": ""' in unescape(again)
        assert (await client.get(f"/trainings/{last['id']}")).text.count("<i>empty</i>") == 3

        both = {**sent, "param_value": ["x", "", "", "n", ""], "param_empty": ["suffix"]}
        wrong = await client.post("/projects/hello/launch", data=both)
        assert wrong.status_code == 422
        assert "suffix has a value and is to be empty" in wrong.text
        assert re.search(r'value="suffix" data-empties="p-suffix" checked', wrong.text)
        assert re.search(r'id="p-suffix"[^>]*value="x"[^>]*aria-invalid="true"', wrong.text)


async def test_a_form_keeps_an_empty_default(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client, params=TEXTS)
        fields = form_fields((await client.get("/projects/hello/edit")).text)
        assert fields["declared.required"] == ["", "", "empty", "yes", ""]
        assert (await client.post("/projects/hello/edit", data=fields)).status_code == 303
        declared = (await client.get("/api/v1/projects/hello")).json()["params"]
        assert {name: one["default"] for name, one in declared.items()} == {
            "suffix": "-base", "prefix": None, "comment": "", "name": None, "epochs": "3"
        }  # fmt: skip
        fields |= {"revision": "2", "declared.required": ["", "", "", "yes", "empty"]}
        fields |= {"declared.default": ["-base", "", "", "", ""]}
        wrong = await client.post("/projects/hello/edit", data=fields)
        assert wrong.status_code == 422
        assert "epochs must be a whole number" in unescape(wrong.text)


def form_fields(page: str) -> dict[str, Any]:
    """What a browser without script would send of a project's form."""
    form = re.sub(r"<(template|noscript)\b.*?</\1>", "", page, flags=re.S)
    form = form[form.index("data-project-form") :]
    found: dict[str, Any] = {}
    for tag in re.finditer(r"<input[^>]*>|<select.*?</select>|<textarea.*?</textarea>", form, re.S):
        name = re.search(r'name="([^"]*)"', tag[0])
        if name is None or ("checkbox" in tag[0] and " checked" not in tag[0]):
            continue
        if tag[0].startswith("<select"):
            chosen = re.search(r'value="([^"]*)"[^>]* selected', tag[0]) or re.search(r'value="([^"]*)"', tag[0])
            value = chosen[1] if chosen else ""
        elif tag[0].startswith("<textarea"):
            value = re.sub(r"<[^>]*>\n?", "", tag[0]).replace("&#39;", "'")
        else:
            value = (re.search(r'value="([^"]*)"', tag[0]) or ["", ""])[1]
        found.setdefault(name[1], []).append(value)
    return found


def filled_in(declared: dict[str, Any]) -> dict[str, Any]:
    nothing = {"default": None, "min": None, "max": None, "choices": [], "required": False, "help": ""}
    return {name: {**nothing, **one} for name, one in declared.items()}
