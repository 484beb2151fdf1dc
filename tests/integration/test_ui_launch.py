"""The form that starts a training: filled in from any training, with the answer whether it would find room."""

from __future__ import annotations

import re
from html import unescape

import httpx

from app.db import cluster_nodes
from app.db.cluster_nodes import NodeRow
from app.domain.cluster import Taint
from tests.support.projects import make_project, start
from tests.support.training_rows import set_state
from tests.support.visitor import logged_in
from tests.support.web import Web

HAS = {"cpu": "4", "memory": "8Gi", "pods": "110", "nvidia.com/gpu": "2"}
FORM = {"roles.worker.count": "2", "roles.worker.cpu": "1", "roles.worker.memory": "1Gi", "args": []}
PIECE = {"HX-Request": "true"}


async def nodes(web: Web, **more: object) -> None:
    async with web.context.database.transaction() as connection:
        row = NodeRow("node-1", "yes", HAS, {"cpu": "1"}, **more)  # type: ignore[arg-type]
        await cluster_nodes.replace_all(connection, [row])


async def outlook(client: httpx.AsyncClient, **fields: object) -> str:
    answer = await client.post("/projects/hello/outlook", data={**FORM, **fields}, headers=PIECE)
    assert answer.status_code == 200, answer.text
    assert "<html" not in answer.text
    return unescape(re.sub(r"<[^>]+>", " ", answer.text))


async def test_the_answer_follows_the_form(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client)
        assert "Not known" in await outlook(client)
        await nodes(web)
        page = await client.get("/projects/hello/launch")
        assert "Fits now" in page.text
        assert "largest node 4 cores, 3 cores free on one" in page.text
        assert "Fits now" in await outlook(client)
        assert "1 core short" in await outlook(client, **{"roles.worker.count": "4"})
        assert "No node has the 96 GiB of memory" in await outlook(client, **{"roles.worker.memory": "96Gi"})
        assert "is not a whole number" in await outlook(client, **{"roles.worker.count": "two"})
        assert "use a quantity" in await outlook(client, **{"roles.worker.cpu": "lots"})
        assert "give it a value" in await outlook(client, args=["{{ params.lr }}"])
        whole = await client.post("/projects/hello/outlook", data={**FORM, "notes": "kept"})
        assert "<html" in whole.text
        assert "kept" in whole.text


async def test_the_api_gives_the_same_answer(web: Web) -> None:
    async with web.client_of("ada") as client:
        await make_project(client, running_limit=1)
        await nodes(web, labels={"disk": "ssd"}, taints=(Taint("spot", "", "NoSchedule"),))
        fit = (await client.post("/api/v1/projects/hello/preview", json={})).json()["fit"]
        assert fit["verdict"] == "never"
        await nodes(web)
        body = {"roles": {"worker": {"count": 7}}}
        preview = (await client.post("/api/v1/projects/hello/preview", json=body)).json()
        assert preview["fit"] == {
            "verdict": "waits", "message": "It waits for room: 0.5 cores short.", "placed": {"worker": 6}
        }  # fmt: skip
        assert preview["queue"] == {"position": 0, "message": ""}
        running = await start(client)
        await start(client)
        await set_state(web, running, "running")
        queue = (await client.post("/api/v1/projects/hello/preview")).json()["queue"]
        assert queue["position"] == 2
        assert queue["message"].startswith("Another training of this project run")


async def test_run_again_fills_in_what_a_training_ran_with(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client, args=["--lr={{ params.lr }}"], env={"A": "1", "B": "2"})
        first = await start(
            client,
            params={"lr": "0.5"},
            env={"A": "9"},
            roles={"worker": {"count": 3, "resources": {"memory": "2Gi"}}},
        )
        address = (await client.get(f"/trainings/{first['id']}/again")).headers["location"]
        page = (await client.get(address)).text
        fields = values_of(page)
        assert fields["roles.worker.count"] == "3"
        assert fields["roles.worker.memory"] == "2Gi"
        assert fields["param_value"] == "0.5"
        assert re.search(r'name="env_name" value="A"', page)
        assert not re.search(r'name="env_name" value="B"', page)
        assert "As #1 ran" in page
        command = unescape(page)
        assert '"count": 3' in command
        assert '"lr": "0.5"' in command
        assert "500m" not in command[command.index("curl --fail") : command.index("/api/v1/projects/hello/trainings")]

        await make_project(client, "other")
        assert (await client.get(f"/projects/other/launch?like={first['id']}")).status_code == 404
        assert (await client.get("/projects/hello/launch?like=nonsense")).status_code == 422


async def test_the_command_starts_the_same(web: Web) -> None:
    """What curl would send is taken by the API, and means what the form says."""
    async with logged_in(web, "ada") as client:
        await make_project(client, args=["a'b", "{{ params.x }}"])
        form = {**FORM, "args": ["it's", "{{ params.x }}"], "param_name": ["x"], "param_value": ["1"]}
        form |= {"max_duration": "90 min", "roles.worker.gpu": "0", "notes": "n"}
        page = await client.post("/projects/hello/outlook", data=form, headers=PIECE)
        text = unescape(page.text)
        body = re.search(r"--data-binary '(.*)' \\\n", text, re.DOTALL)
        assert body is not None, text
        sent = body[1].replace("'\\''", "'")
        made = await client.post(
            "/api/v1/projects/hello/trainings", content=sent, headers={"Content-Type": "application/json"}
        )
        assert made.status_code == 202, made.text
        spec = made.json()["spec"]
        assert spec["args"] == ["it's", "{{ params.x }}"]
        assert (spec["max_duration"], spec["roles"]["worker"]["count"]) == ("PT1H30M", 2)


async def test_what_one_task_is_told(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        roles = {"chief": {"count": 1}, "worker": {"count": 2}}
        await make_project(client, framework="tensorflow", roles=roles, secret_env={"TOKEN": "s3cret"})
        form = {"roles.chief.count": "1", "roles.worker.count": "3", "told_task": "worker-2"}
        told = unescape((await client.post("/projects/hello/told", data=form, headers=PIECE)).text)
        assert '"index": 2' in told
        assert "worker-2.tasks:2222" in told
        assert "s3cret" not in told
        assert "(hidden)" in told
        beyond = await client.post("/projects/hello/told", data={**form, "told_task": "worker-3"}, headers=PIECE)
        assert "There is no task worker-3; there are chief-0, worker-0 to worker-2." in beyond.text
        nonsense = await client.post("/projects/hello/told", data={**form, "told_task": "?"}, headers=PIECE)
        assert "write it like worker-0" in unescape(nonsense.text)

        training = await start(client)
        answer = (await client.get(f"/api/v1/trainings/{training['id']}/tasks/worker-1/environment")).json()
        assert answer["env"]["TAAS_INDEX"] == "1"
        assert answer["env"]["TOKEN"] == "(hidden)"
        preview = await client.post("/api/v1/projects/hello/preview/tasks/worker-1", json={})
        assert preview.json()["env"]["TF_CONFIG"] == answer["env"]["TF_CONFIG"]
        for task in ("worker-2", "ps-0", "nonsense"):
            missing = await client.get(f"/api/v1/trainings/{training['id']}/tasks/{task}/environment")
            assert missing.status_code == 404, task


def values_of(page: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in re.findall(r'name="([^"]+)"[^>]*? value="([^"]*)"', page)}
