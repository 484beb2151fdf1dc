"""The pages of projects and of starting them: forms as browsers post them, errors beside fields, permission."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import httpx
import pytest

from app.domain.access import UserRole
from app.domain.training import Reason, State
from tests.support.pages import write
from tests.support.projects import IMAGE, make_algorithm, make_project, start
from tests.support.visitor import logged_in
from tests.support.web import Web

HOSTILE = "<script>alert(1)</script>"
FORM = {
    "name": "digits",
    "algorithm": "hello",
    "framework": "tensorflow",
    "image": IMAGE,
    "roles.chief.count": "1",
    "roles.worker.count": "2",
    "roles.worker.cpu": "250m",
    "roles.worker.memory": "512Mi",
    "roles.worker.node_selector": "disk=ssd\r\nzone=a",
    "roles.worker.tolerations": "spot=true:NoSchedule\n*:NoExecute",
    "roles.ps.count": "0",
    "args": ["--epochs", "3", "", "\r\ntwo\r\nlines", "--run={{ number }}"],
    "env_name": ["A", ""],
    "env_value": ["1 2", ""],
    "secret_name": ["TOKEN"],
    "secret_value": ["s3cret"],
    "max_duration": "1 h 30 min",
    "keep_namespace": "0",
    "tags": "vision, nightly",
    "notes": HOSTILE,
}


async def test_an_empty_list_says_what_to_do(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        page = await client.get("/projects")
        assert "Upload an algorithm first" in page.text
        await make_algorithm(client)
        assert 'href="/new/project"' in (await client.get("/projects")).text


async def test_a_form_becomes_a_project_and_reads_back_the_same(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_algorithm(client)
        assert (await client.get("/new/project?algorithm=hello")).status_code == 200
        made = await client.post("/projects", data=FORM)
        assert made.headers.get("location") == "/projects/digits?done=made", errors_in(made)
        project = (await client.get("/api/v1/projects/digits")).json()
        assert project["args"] == ["--epochs", "3", "\ntwo\nlines", "--run={{ number }}"]
        assert project["env"] == {"A": "1 2"}
        assert project["secret_env"] == ["TOKEN"]
        assert project["success"] == "chief"
        assert (project["max_duration"], project["keep_namespace"]) == ("PT1H30M", "PT0S")
        worker = project["roles"]["worker"]
        assert worker["node_selector"] == {"disk": "ssd", "zone": "a"}
        assert [one["effect"] for one in worker["tolerations"]] == ["NoSchedule", "NoExecute"]
        assert "ps" not in project["roles"]

        page = await client.get("/projects/digits?done=made")
        assert page.status_code == 200
        assert HOSTILE not in page.text
        assert "s3cret" not in page.text
        assert ">digits</a>" in (await client.get("/projects?tag=vision")).text
        assert ">digits</a>" not in (await client.get("/projects?tag=other")).text

        edit = await client.get("/projects/digits/edit")
        assert HOSTILE not in edit.text
        fields = dict(values_in(edit.text))
        assert fields["max_duration"] == "1 h 30 min"
        assert "spot=true:NoSchedule\n*:NoExecute" in unescape(edit.text)
        saved = await client.post("/projects/digits/edit", data=sent_by(edit.text))
        assert saved.headers.get("location") == "/projects/digits?done=saved", errors_in(saved)
        again = (await client.get("/api/v1/projects/digits")).json()
        assert again.pop("revision", 2) == 2
        changes = {key for key in again if again[key] != project.get(key)}
        assert changes <= {"updated_at"}


async def test_an_edit_keeps_or_replaces_or_removes_secrets_and_sees_others_edits(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_algorithm(client)
        await client.post("/projects", data=FORM)
        edit = {**FORM, "revision": "1", "secret_name": ["TOKEN", "OTHER"], "secret_value": ["", "x"]}
        assert (await client.post("/projects/digits/edit", data=edit)).headers[
            "location"
        ] == "/projects/digits?done=saved"
        assert (await client.get("/api/v1/projects/digits")).json()["secret_env"] == ["OTHER", "TOKEN"]
        late = await client.post("/projects/digits/edit", data=edit)
        assert late.status_code == 412
        assert "Somebody saved revision 2 meanwhile" in late.text
        gone = {**FORM, "revision": "2", "secret_name": [], "secret_value": [], "secret_remove": ["TOKEN"]}
        await client.post("/projects/digits/edit", data=gone)
        assert (await client.get("/api/v1/projects/digits")).json()["secret_env"] == ["OTHER"]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"name": "Bad Name"}, "f-name", "cannot be a project"),
        ({"algorithm": "nothing"}, "f-algorithm", "There is no algorithm named nothing"),
        ({"version": "9"}, "f-version", "hello has version 1 only"),
        ({"version": "two"}, "f-version", "is not a whole number"),
        ({"image": "no image"}, "f-image", "Give an image reference"),
        ({"roles.worker.cpu": "lots"}, "f-roles-worker-cpu", "use a quantity from 1m"),
        ({"roles.worker.count": "100000"}, "f-roles-worker-count", "use 1 to 5,000"),
        ({"roles.worker.node_selector": "nothing"}, "f-roles-worker-node_selector", "is not of the form key=value"),
        ({"roles.worker.tolerations": "a=b:Never"}, "f-roles-worker-tolerations", "Use one of NoSchedule"),
        ({"max_duration": "soon"}, "f-max_duration", "is not a duration"),
        ({"pending_timeout": "0"}, "f-pending_timeout", "Use 1 second to 30 days"),
        ({"success": "all_workers"}, "f-success", "use chief"),
        ({"env_name": ["1A"], "env_value": ["x"]}, "env-1A", "no digit first"),
        ({"args": ["{{ nonsense }}"]}, "arg-0", "is nothing that can be filled in"),
        ({"framework": "caffe"}, "f-framework", "Choose one of tensorflow"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_beside_its_field(
    web: Web, change: dict[str, object], field: str, words: str
) -> None:
    async with logged_in(web, "ada") as client:
        await make_algorithm(client)
        answer = await client.post("/projects", data=FORM | change)
        assert answer.status_code == 422
        beside = re.search(rf'id="{field}-wrong">.*?<span>(.*?)</span>', answer.text)
        assert beside is not None, errors_in(answer)
        assert words in unescape(beside[1])
        assert "1 thing to put right" in answer.text
        assert HOSTILE not in answer.text
        assert 'value="250m"' in answer.text or "roles.worker.cpu" in change


async def test_the_list_says_how_the_last_run_went_and_when_the_next_is_due(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client)
        await make_project(client, "nightly", schedule={"cron": "0 23 1 1 *"})
        assert (await client.get("/api/v1/projects/hello")).json()["last_training"] is None
        assert "none yet" in (await client.get("/projects")).text
        await start(client)
        last = await start(client)
        await write(web, last["id"], state=State.FAILED, reason=Reason.TASK_FAILED)
        told = (await client.get("/api/v1/projects")).json()["items"]
        found = {one["name"]: one["last_training"] for one in told}
        assert found["nightly"] is None
        assert {key: found["hello"][key] for key in ("id", "number", "state")} == {
            "id": last["id"], "number": 2, "state": "failed"
        }  # fmt: skip
        page = (await client.get("/projects")).text
        assert f'<a class="above" href="/trainings/{last["id"]}">#2</a>' in page
        assert "Failed" in page
        assert 'data-time="ago"' in page[page.index("/projects/nightly") :]
        await client.post("/projects/nightly/pause")
        assert "paused" in (await client.get("/projects")).text


async def test_clone_and_delete(web: Web) -> None:
    async with logged_in(web, "ada") as client, logged_in(web, "mel") as other:
        await make_project(client)
        assert (await other.post("/projects/hello/clone", data={"name": "mine"})).headers["location"] == (
            "/projects/mine?done=cloned"
        )
        taken = await other.post("/projects/hello/clone", data={"name": "mine"})
        assert taken.status_code == 409
        assert "There is a project named mine already" in taken.text
        started = await client.post("/projects/hello/start")
        assert re.fullmatch("/trainings/[0-9a-f-]{36}", started.headers["location"])
        refused = await client.post("/projects/hello/delete")
        assert refused.status_code == 409
        assert "have not ended" in refused.text
        assert (await other.post("/projects/mine/delete")).headers["location"] == "/projects"
        assert (await other.get("/projects/mine")).status_code == 404


async def test_only_its_owner_changes_and_starts_a_project(web: Web) -> None:
    async with (
        logged_in(web, "ada") as owner,
        logged_in(web, "mel") as other,
        logged_in(web, "vic", UserRole.VIEWER) as v,
    ):
        await make_project(owner)
        for client in (other, v):
            page = await client.get("/projects/hello")
            assert page.status_code == 200
            assert "/projects/hello/start" not in page.text
            assert (await client.get("/projects/hello/edit")).status_code == 403
            assert (await client.get("/projects/hello/launch")).status_code == 403
            for action in ("edit", "start", "launch", "delete"):
                form = {**FORM, "name": "hello"}
                assert (await client.post(f"/projects/hello/{action}", data=form)).status_code == 403, action
        assert (await v.get("/new/project")).status_code == 403


async def test_a_launch_with_changes_is_previewed_and_started(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client, args=["--rate", "{{ params.rate }}"], secret_env={"TOKEN": "s3cret"})
        assert "/projects/hello/start" not in (await client.get("/projects/hello")).text
        page = await client.get("/projects/hello/launch")
        assert 'name="param_name" value="rate"' in page.text
        form = {
            "param_name": ["rate"],
            "param_value": ["0.1"],
            "roles.worker.count": "3",
            "args": ["--rate", "{{ params.rate }}", HOSTILE],
            "max_duration": "10 min",
            "notes": HOSTILE,
        }
        preview = await client.post("/projects/hello/preview", data=form)
        assert preview.status_code == 200
        assert "Nothing has been made" in preview.text
        for kind in ("Namespace", "NetworkPolicy", "ConfigMap", "Job", "Service"):
            assert f"{kind} <span" in preview.text
        assert "completions" in preview.text
        assert HOSTILE not in preview.text
        assert "s3cret" not in preview.text
        assert 'value="0.1"' in preview.text
        missing = await client.post(
            "/projects/hello/launch", data=form | {"param_value": [""], "roles.worker.cpu": "x"}
        )
        assert missing.status_code == 422
        started = await client.post("/projects/hello/launch", data=form)
        record = (await client.get(f"/api/v1{started.headers['location']}")).json()
        assert record["tasks"]["total"] == 3
        assert record["spec"]["run"]["args"][-1] == HOSTILE if "run" in record["spec"] else True
        assert (await client.get(started.headers["location"])).status_code == 200


def errors_in(answer: httpx.Response) -> list[str]:
    return [unescape(text) for text in re.findall(r'class="wrong".*?<span>(.*?)</span>', answer.text, re.S)]


def sent_by(page: str) -> dict[str, list[str]]:
    """What a browser would send for the form of a page as it is."""
    page = re.sub(r"<template.*?</template>", "", page, flags=re.S)
    sent: dict[str, list[str]] = {}
    for name, value in [*values_in(page), *areas_in(page)]:
        sent.setdefault(name, []).append(value)
    return sent


def values_in(page: str) -> Iterator[tuple[str, str]]:
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and "checkbox" not in tag:
            yield name[1], unescape(value[1]) if value else ""
    for name_, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        yield name_, unescape(chosen[1]) if chosen else ""


def areas_in(page: str) -> Iterator[tuple[str, str]]:
    for name, text in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\n(.*?)</textarea>', page, re.S):
        yield name, unescape(text)
