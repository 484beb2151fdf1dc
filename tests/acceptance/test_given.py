"""What tasks are given: arguments, variables, secrets, devices, logins, directories; and what the API gives back."""

from __future__ import annotations

import asyncio
import base64
import json
from time import monotonic
from typing import Any

import pytest

from app.domain import quantity
from tests.support.lab import Lab
from tests.support.launches import HOSTILE_ARGS
from tests.support.pull_registry import pull_registry
from tests.support.side_by_side import side_by_side
from tests.support.waiting import eventually

pytestmark = pytest.mark.cluster

WAIT_FOR_EVER = "sleep infinity & wait"
TELL = """python3 - "$@" >$TAAS_MODEL_DIR/told.json <<'END'
import json, os, sys
print(json.dumps({"args": sys.argv[1:], "env": dict(os.environ)}))
END"""


@side_by_side
async def test_arguments_and_variables_arrive_to_the_byte(lab: Lab) -> None:
    places = ("{{ params.rate }}", "run {{ number }}/{{params.rate}}", "{{ scheduled_for }}", "{{ '{{' }} }}")
    env = {"GIVEN": 'it\'s $HOME\n"世界" $(date)', "CHANGED": "no"}
    await lab.project("told", TELL, *HOSTILE_ARGS, *places, env=env, secret_env={"TOKEN": "s3cr$et' \n"})
    run = await lab.start("told", params={"rate": "$0.1 {{ number }}"}, env={"CHANGED": "yes"})
    await run.ends("succeeded", "completed")
    told = json.loads(run.kept("models/told.json").read_text())
    rate = "$0.1 {{ number }}"  # what a person gives is never looked into
    assert told["args"] == [*HOSTILE_ARGS, rate, f"run 1/{rate}", "", "{{ }}"]
    expected = {**env, "CHANGED": "yes", "TOKEN": "s3cr$et' \n", "TAAS_ROLE": "worker", "TAAS_TRAINING": run.id}
    assert {name: told["env"].get(name) for name in expected} == expected
    for path in ("projects/told", f"trainings/{run.id}", f"trainings/{run.id}/manifests"):
        answer = await lab.http.get(path)
        assert (answer.status_code, "s3cr$et" in answer.text) == (200, False)


@side_by_side
async def test_devices_are_shared_out_by_the_cluster(lab: Lab) -> None:
    taint, devices = "nvidia.com/gpu=present:NoSchedule", {"nvidia.com/gpu": "4"}
    on = await lab.new_nodes("gpus", 1, taints=[taint], resources=devices)
    roles = {"worker": lab.on(count=3, node=on, resources={"gpu": 2})}
    run = await lab.train("devices", roles=roles, storage=None)
    waiting = await run.until(lambda it: "Insufficient nvidia.com/gpu" in it["message"])
    assert waiting["state"] == "starting"
    pods = (await run.pods()).values()
    node = f"{lab.installation}-gpus-0"
    assert sorted(pod["spec"].get("nodeName", "") for pod in pods) == ["", node, node]
    assert {pod["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] for pod in pods} == {"2"}
    await run.stop()
    await run.ends("stopped", "stopped_by_user")
    await run.is_gone()


@side_by_side
async def test_an_image_is_pulled_with_its_registrys_login(lab: Lab) -> None:
    password = "t0p-s3cret"
    with pull_registry(lab.cluster) as registry:
        login = {"name": "private", "host": registry.host, "username": "robot", "password": password}
        answers = [await lab.post("registries", login, status=201)]
        run = await lab.train("private", image=f"{registry.host}/team/model:1")

        async def shown() -> bool:
            return bool(registry.logins)

        await eventually(shown)
        await run.until(lambda it: it["namespace_state"] == "present")
        secrets = (await lab.kube("GET", f"{run.space}/secrets"))["items"]
        await run.stop()
        await run.ends("stopped", "stopped_by_user")
    assert registry.logins == {f"robot:{password}"}
    (config,) = [secret["data"][".dockerconfigjson"] for secret in secrets if ".dockerconfigjson" in secret["data"]]
    assert json.loads(base64.b64decode(config))["auths"][registry.host]["password"] == password
    for path in ("registries", "registries/private", "projects/private", f"trainings/{run.id}/manifests"):
        answers.append((await lab.http.get(path)).raise_for_status().json())
    hidden = (password, base64.b64encode(f"robot:{password}".encode()).decode(), config)
    assert not [secret for secret in hidden if secret in json.dumps(answers)]
    await run.is_gone()


@side_by_side
async def test_directories_are_a_projects_own_and_outlive_its_trainings(lab: Lab) -> None:
    script = """
for folder in "$TAAS_LOG_DIR" "$TAAS_MODEL_DIR" "$TAAS_DATA_DIR"; do
    echo "$TAAS_PROJECT $TAAS_NUMBER" >"$folder/mark-$TAAS_PROJECT-$TAAS_NUMBER"
done
found() { find / -name 'mark-*' -not -path '/proc/*' 2>/dev/null | sed 's|.*/||' | sort | uniq -c; }
{ id -u; found; } >$TAAS_MODEL_DIR/seen
"""
    await lab.project("mine", script)
    await lab.project("theirs", script)
    first = await lab.start("mine")
    await first.ends("succeeded", "completed")
    second, other = await lab.start("mine"), await lab.start("theirs")
    for run in (second, other):
        await run.ends("succeeded", "completed")
        await run.is_gone()
    assert words(other.kept("models/seen").read_text()) == ["1000", "3 mark-theirs-1"]
    assert words(second.kept("models/seen").read_text()) == ["1000", "3 mark-mine-1", "3 mark-mine-2"]
    for run, kind in [(run, kind) for run in (first, second, other) for kind in ("logs", "models")]:
        mark = run.kept(f"{kind}/mark-{run.record['project']}-{run.record['number']}")
        assert (mark.read_text(), mark.stat().st_uid) == (f"{run.record['project']} {run.record['number']}\n", 1000)


@side_by_side
async def test_twenty_posts_with_one_key_start_one_training(lab: Lab) -> None:
    await lab.project("once", "exit 0", storage=None)
    key = {"Idempotency-Key": "night-of-24-November"}
    path = "projects/once/trainings"
    answers = await asyncio.gather(*(lab.http.post(path, json={}, headers=key) for _ in range(20)))
    answers.append(await lab.http.post(path, json={}, headers=key))  # once the first has been answered, all are
    assert {answer.json()["code"] for answer in answers if answer.status_code != 202} <= {"idempotency_in_progress"}
    (made,) = {answer.json()["id"] for answer in answers if answer.status_code == 202}
    assert answers[-1].status_code == 202
    items = (await lab.http.get("trainings", params={"project": "once"})).json()["items"]
    assert [item["id"] for item in items] == [made]
    assert (await lab.http.get("projects/once")).json()["trainings"] == 1


@side_by_side
async def test_whoever_waits_hears_of_a_change_at_once(lab: Lab) -> None:
    run = await lab.train("watched", f"trap 'sleep 3' TERM; echo ready; {WAIT_FOR_EVER}")
    await run.says("ready")
    known = {"If-None-Match": (await lab.http.get(f"trainings/{run.id}")).headers["ETag"]}
    waiting = asyncio.create_task(lab.http.get(f"trainings/{run.id}", params={"wait": 50}, headers=known))
    done, _ = await asyncio.wait({waiting}, timeout=2)
    assert not done
    asked = monotonic()
    await run.stop()
    answer = await waiting
    assert answer.json()["stop_requested_by"] == "admin"
    assert monotonic() - asked < 40  # well before the wait's own end
    await run.ends("stopped", "stopped_by_user")


@side_by_side
async def test_a_log_outlives_its_namespace_to_the_byte(lab: Lab) -> None:
    script = """python3 - <<'END' | tee "$TAAS_MODEL_DIR/printed"
import sys
for number in range(3000):
    sys.stdout.buffer.write(b"%05d \\xff\\xc3\\xa9 \\x1b[1mbold\\x1b[0m\\n" % number)
sys.stdout.buffer.write(b"\\n\\n" + b"x" * 40_000 + b"\\nno end of line")
END"""
    run = await lab.train("talks", script)
    await run.ends("succeeded", "completed")
    await run.is_gone()
    printed = run.kept("models/printed").read_bytes()
    assert len(printed) > 100_000
    assert await run.log("worker-0") == printed
    (attempt,) = (await run.tasks())["worker-0"]["attempts"]
    assert attempt["log_verdict"] == "verified"


def words(text: str) -> list[str]:
    """Its lines with single spaces."""
    return [" ".join(line.split()) for line in text.splitlines()]


@side_by_side
async def test_the_cluster_is_told_with_who_holds_what(lab: Lab) -> None:
    held = {"cpu": "20m", "memory": "64Mi"}
    run = await lab.train("holds", "sleep 600", roles={"worker": lab.on(count=2, resources=held)}, storage=None)
    await run.reaches("running")

    async def node() -> Any:
        """Once a look at the nodes has counted the pods; their names are in the rows of tasks before."""
        nodes = (await lab.http.get("cluster/nodes", params={"limit": 200})).json()["items"]
        real = next(one for one in nodes if one["name"] == lab.cluster.node_name) if nodes else None
        return (
            real
            and any(holder["id"] == run.id for holder in real["holders"])
            and "memory" in real["requested"]
            and real
        )

    found = await eventually(node)
    assert found["ready"] == "yes"
    requested, allocatable = (quantity.parse(found[kind]["memory"]) for kind in ("requested", "allocatable"))
    assert 2 * 64 * 1024**2 <= requested < allocatable
    assert [(one["project"], one["tasks"]) for one in found["holders"] if one["id"] == run.id] == [("holds", 2)]
    view = (await lab.http.get("cluster")).json()
    assert view["observed_at"] is not None
    assert view["namespaces"] >= 1
    spaces = (await lab.http.get("cluster/namespaces", params={"limit": 200})).json()["items"]
    assert run.record["namespace"] in [one["namespace"] for one in spaces]
    await run.stop()
    await run.ends("stopped", "stopped_by_user")
