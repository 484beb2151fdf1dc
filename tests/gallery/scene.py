"""An installation in use: a week of trainings of a small team, made through the API and by what a worker writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import text

from app.db import cluster_nodes, orphan_rows, workers
from app.db.cluster_nodes import NodeRow
from app.domain.access import UserRole
from app.domain.orphan import Orphan, OrphanKind
from app.domain.training import Reason, State
from tests.gallery.lives import Life, live, read_curves
from tests.support.archives import make_zip
from tests.support.pages import run
from tests.support.pages import write as write_status
from tests.support.projects import start
from tests.support.served_models import running
from tests.support.uploads import upload_folder, upload_version
from tests.support.upstream import write as write_endpoint
from tests.support.web import Web

EXAMPLES = Path(__file__).parents[2] / "examples"
GPU = "nvidia.com/gpu"
SMALL = {"cpu": "300m", "memory": "1Gi"}
IMAGES = {
    "tensorflow": "registry.example.com/ml/tensorflow:2.21",
    "pytorch": "registry.example.com/ml/torch:2.9-cuda12",
    "python": "registry.example.com/base/python:3.11",
}
NOTE = {"default": "baseline", "help": "A word that the program writes beside its curves."}
OUT_OF_MEMORY = (
    "ps-0 was killed for memory: it used more than its 1 GiB. Give the role ps more memory, or let it hold less."
)
STUCK = (
    "Some resources are remaining: pods. has 1 resource instances Some content in the namespace has finalizers "
    "remaining: example.com/keep in 1 resource instances"
)
# What a balancer counts: two replicas of the live version and one of the canary.
STATS = """# pxname,svname,stot,status,hrsp_5xx,req_rate,req_tot,ttime,addr,
rest,FRONTEND,48210,OPEN,0,37,48210,,,
grpc,FRONTEND,9120,OPEN,0,8,9120,,,
rest-model,replica1,19411,UP,0,,19411,11,10.244.1.17:8501,
rest-model,replica2,19160,UP,2,,19160,13,10.244.2.9:8501,
rest-canary,replica1,9639,UP,0,,9639,12,10.244.1.23:8501,
"""


@dataclass(frozen=True)
class Scene:
    """Ids of what pages are about."""

    runs: str
    ended: str
    failed: str
    hook: str
    webhook: str
    board: str
    serving: str


async def furnished(web: Web, ada: httpx.AsyncClient, disk: Path, port: int) -> Scene:
    """`ada` is an admin. A model answers at `port` of this machine."""
    now = datetime.now(UTC)
    await _catalogue(ada, disk)
    async with web.client_of("grace") as grace:
        await web.person("linus", UserRole.VIEWER)
        await _algorithms(ada)
        await _projects(ada, grace)
        await _nightly(web, ada, disk, now)
        await _features(web, grace, disk, now)
        hook, webhook = await _triggers(web, ada)
        digits = await _digits(web, ada, disk, now)
        await _waiting(web, ada, grace, now)
    await read_curves(web)
    board = await _board(web, ada, digits[2]["id"])
    serving = await _serving(web, ada, digits, port)
    await _cluster(web)
    return Scene(digits[5]["id"], digits[4]["id"], digits[1]["id"], hook, webhook, board, serving)


async def _post(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(f"/api/v1/{path}", json=body)
    assert answer.is_success, f"{path}: {answer.text}"
    made: dict[str, Any] = answer.json()
    return made


async def _catalogue(ada: httpx.AsyncClient, disk: Path) -> None:
    host = "registry.example.com"
    await _post(ada, "registries", {"name": "team", "host": host, "username": "robot", "password": "x"})
    for name, reference in IMAGES.items():
        framework = name if name != "python" else "plain"
        image = {"name": name, "reference": reference, "framework": framework, "is_default": True}
        await _post(ada, "images", image | {"description": f"What most {framework} projects use."})
    node = {"path": "/srv/taas", "node": "cpu-1", "taas_path": str(disk)}
    await _post(ada, "storages", {"name": "disk", "kind": "local", "config": node, "is_default": True})
    nfs = {"server": "nfs.example.com", "path": "/export/datasets", "mount_options": ["nfsvers=4.1"]}
    await _post(ada, "storages", {"name": "datasets", "kind": "nfs", "config": nfs})


async def _algorithms(ada: httpx.AsyncClient) -> None:
    for name in ("digits-ps", "digits-torch", "hello"):
        files = {path.name: path.read_bytes() for path in sorted((EXAMPLES / name).iterdir()) if path.is_file()}
        made = await upload_folder(ada, name, {f"{name}/{path}": data for path, data in files.items()})
        assert made.status_code == 201, made.text
        if name == "digits-ps":
            changed = files["train.py"].replace(b"default=0.2", b"default=0.15").replace(b"default=64", b"default=96")
            made = await upload_version(ada, name, make_zip(files | {"train.py": changed, "run.sh": files["run.sh"]}))
            assert made.status_code == 201, made.text


async def _projects(ada: httpx.AsyncClient, grace: httpx.AsyncClient) -> None:
    roles = {"chief": {"count": 1}, "worker": {"count": 2}, "ps": {"count": 1}}
    digits = json.loads((EXAMPLES / "digits-ps/project.json").read_text()) | {
        "roles": {role: more | {"resources": SMALL} for role, more in roles.items()},
        "metric": {"tag": "accuracy", "better": "higher", "run": "test"},
        "tags": ["digits", "baseline"],
        "notes": "Handwritten digits with parameter servers: the baseline that others are measured against.",
    }
    await _post(ada, "projects", digits)
    nightly = {"cron": "30 2 * * *", "timezone": "Europe/Berlin", "overlap": "replace", "stop_after_failures": 3}
    tags = {"tags": ["nightly"], "notes": "Trains on what came in during the day."}
    await _post(ada, "projects", digits | {"name": "digits-nightly", "schedule": nightly} | tags)
    gpu = {"cpu": "4", "memory": "16Gi", "gpu": 2}
    torch = {"name": "vision", "algorithm": "digits-torch", "framework": "pytorch", "tags": ["gpu"]}
    await _post(grace, "projects", torch | {"roles": {"worker": {"count": 4, "resources": gpu}}})
    every = {"cron": "0 */4 * * *", "timezone": "UTC"}
    plain = {"name": "features", "algorithm": "hello", "framework": "plain", "schedule": every, "storage": None}
    await _post(grace, "projects", plain | {"roles": {"worker": {"count": 3, "resources": SMALL}}})
    params = digits["params"] | {"batch": digits["params"]["batch"] | {"default": "64"}, "note": NOTE}
    change = {"args": [*digits["args"], "--note={{ params.note }}"], "params": params, "max_duration": "PT1H"}
    changed = await ada.patch("/api/v1/projects/digits", json=change, headers={"If-Match": '"1"'})
    assert changed.status_code == 200, changed.text


async def _triggers(web: Web, ada: httpx.AsyncClient) -> tuple[str, str]:
    rule = {"param": "rate", "path": "/data/rate"}
    hook = await _post(ada, "projects/digits/hooks", {"name": "after-ingest", "rules": [rule]})
    async with web.client() as caller:
        for body in ({"data": {"rate": "0.1"}}, {"data": {}}):
            await caller.post(f"/hooks/{hook['token']}", json=body)
    body = {"url": "https://chat.example.com/hooks/taas", "kinds": ["failed", "missed"], "description": "Team channel"}
    webhook = (await _post(ada, "webhooks", body))["id"]
    for _ in range(3):
        await _post(ada, f"webhooks/{webhook}/test", {})
    await run(web, "UPDATE deliveries SET state = 'sent', tries = 1, tried_at = now(), status = 204, problem = ''")
    await run(
        web,
        "UPDATE deliveries SET state = 'failed', status = 502, tries = 9, answer = 'Bad gateway', "
        "problem = 'It answered 502.' WHERE notice_id = (SELECT min(notice_id::text)::uuid FROM deliveries)",
    )
    # The trainings that the hook started have a life of their own below.
    return hook["id"], webhook


async def _digits(web: Web, ada: httpx.AsyncClient, disk: Path, now: datetime) -> list[dict[str, Any]]:
    """Six trainings, the last of which runs."""
    found = (await ada.get("/api/v1/trainings?project=digits")).json()["items"][::-1]
    lives = [
        Life(now - timedelta(hours=22, minutes=30), timedelta(minutes=14, seconds=8), pace=0.6),
        Life(
            now - timedelta(hours=21),
            timedelta(minutes=3, seconds=40),
            State.FAILED,
            Reason.OUT_OF_MEMORY,
            OUT_OF_MEMORY,
            pace=0.7,
        ),
        Life(now - timedelta(hours=20), timedelta(minutes=13, seconds=31), pace=0.85),
        Life(
            now - timedelta(hours=19),
            timedelta(minutes=2, seconds=2),
            State.STOPPED,
            Reason.STOPPED_BY_USER,
            pace=0.5,
        ),
        Life(now - timedelta(hours=3), timedelta(minutes=12, seconds=55), pace=1.15),
        Life(now - timedelta(minutes=9), timedelta(minutes=8, seconds=30), State.RUNNING, None, pace=1.3),
    ]
    for at in range(len(found), len(lives)):
        notes = "Twice the batch, half the rate." if at == 4 else ""
        found.append(await start(ada, "digits", params={"rate": str(0.3 - at / 25)[:4]}, notes=notes))
    for training, life in zip(found, lives, strict=True):
        await live(web, disk, training["id"], life)
    return found


async def _nightly(web: Web, ada: httpx.AsyncClient, disk: Path, now: datetime) -> None:
    """A week of nights: all but two went well."""
    await _timed(web, "digits-nightly", now)
    for at, training in enumerate(await _made(ada, "digits-nightly")):
        due = datetime.fromisoformat(training["scheduled_for"])
        bad = at == 3
        await live(
            web,
            disk,
            training["id"],
            Life(
                due + timedelta(milliseconds=140),
                timedelta(minutes=11 + at % 3, seconds=7 * at),
                State.FAILED if bad else State.SUCCEEDED,
                Reason.TASK_FAILED if bad else Reason.COMPLETED,
                "ps-0 ended with exit code 1: the loss became NaN at step 1840." if bad else "",
                pace=0.8 + at / 20,
            ),
        )


async def _features(web: Web, grace: httpx.AsyncClient, disk: Path, now: datetime) -> None:
    await _timed(web, "features", now)
    for training in await _made(grace, "features"):
        due = datetime.fromisoformat(training["scheduled_for"])
        await live(web, disk, training["id"], Life(due, timedelta(minutes=6, seconds=20)), curves=False)
    why = "The training before it still ran."
    still = f"outcome = 'skipped', cause = 'still_active', training_id = NULL, message = '{why}'"
    one = "SELECT project_id, due_at FROM due_times ORDER BY due_at DESC OFFSET 3 LIMIT 1"
    await run(web, f"UPDATE due_times SET {still} WHERE (project_id, due_at) IN ({one})")


async def _waiting(web: Web, ada: httpx.AsyncClient, grace: httpx.AsyncClient, now: datetime) -> None:
    """A training that finds no room, and a backfill."""
    waits = await start(grace, "vision")
    await write_status(
        web,
        waits["id"],
        created_at=now - timedelta(minutes=4),
        message="It waits for room: 4 GPUs are short. The nodes have 8, of which 4 are free.",
    )
    wanted = {"from": (now - timedelta(days=40)).isoformat(), "to": (now - timedelta(days=36)).isoformat()}
    await _post(ada, "projects/digits-nightly/backfills", wanted)


async def _timed(web: Web, project: str, now: datetime) -> None:
    """Fire a week's due times, each as if it had just come."""
    which = "project_id = (SELECT id FROM projects WHERE name = :name)"
    sets = "anchor = :week, handled_until = :week, next_at = :week"
    await run(web, f"UPDATE schedules SET {sets} WHERE {which}", week=now - timedelta(days=7), name=project)
    ends = "state = 'succeeded', finished_at = now(), archived_at = now()"
    while True:
        async with web.context.database.read() as connection:
            due = await connection.execute(text(f"SELECT next_at FROM schedules WHERE {which}"), {"name": project})
            moment: datetime = due.scalar_one()
        if moment > now:
            return
        await web.context.firing.fire(now=moment)
        await run(web, f"UPDATE trainings SET {ends} WHERE project = :name AND state = 'queued'", name=project)


async def _made(client: httpx.AsyncClient, project: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(f"/api/v1/trainings?project={project}&limit=100")).json()["items"]
    return [training for training in found[::-1] if training["scheduled_for"]]


async def _board(web: Web, ada: httpx.AsyncClient, training: str) -> str:
    board: str = (await _post(ada, "tensorboards", {"trainings": [training]}))["id"]
    await write_endpoint(
        web,
        board,  # type: ignore[arg-type]
        "state = 'running', launch = 1, running_at = now() - interval '8 minutes', namespace_state = 'present', "
        "namespace = 'taas-tb-digits-k3v9q', replicas = 1, ready = 1, addresses = CAST(:addresses AS jsonb)",
        addresses=json.dumps({"tensorboard/http": "127.0.0.1:9"}),
    )
    return board


async def _serving(web: Web, ada: httpx.AsyncClient, digits: list[dict[str, Any]], port: int) -> str:
    serving = (await _post(ada, "servings", {"training": digits[2]["id"]}))["id"]
    await _post(ada, f"servings/{serving}/versions", {"training": digits[4]["id"]})
    await _post(ada, f"servings/{serving}/live", {"version": 1})
    shared = await ada.put(f"/api/v1/servings/{serving}/canary", json={"version": 2, "percent": 20})
    assert shared.is_success, shared.text
    await running(web, serving, port)
    await write_endpoint(
        web,
        serving,
        "running_at = now() - interval '2 hours', replicas = 5, ready = 5, namespace_state = 'present', applied_gen = "
        "spec_gen",
    )
    return str(serving)


async def _cluster(web: Web) -> None:
    cpu = {"cpu": "16", "memory": "64Gi", "pods": "110"}
    card = {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-40GB"}
    asked = {"cpu": "6300m", "memory": "22Gi", "pods": "21"}
    rows = [
        NodeRow("cpu-1", "yes", cpu, asked, {"cpu": "4100m", "memory": "14Gi"}),
        NodeRow("cpu-2", "yes", cpu, {"cpu": "12", "memory": "40Gi", "pods": "34"}, {"cpu": "9", "memory": "31Gi"}),
        NodeRow("gpu-1", "yes", cpu | {GPU: "4"}, asked | {GPU: "4"}, {"cpu": "5", "memory": "20Gi"}, labels=card),
        NodeRow("gpu-2", "yes", cpu | {GPU: "4"}, {"cpu": "1", "memory": "2Gi", "pods": "8"}, labels=card),
        NodeRow("cpu-3", "cordoned", cpu, {"cpu": "500m", "memory": "1Gi", "pods": "6"}),
    ]
    now = datetime.now(UTC)
    left, gone = uuid4(), uuid4()
    space, volume = OrphanKind.NAMESPACE, OrphanKind.VOLUME
    made, again = now - timedelta(days=2), now + timedelta(seconds=40)
    orphans = [
        Orphan(space, f"taas-digits-17-{left.hex[-5:]}", "n1", "training", left, made, collect_at=again),
        Orphan(volume, f"taas-digits-17-{left.hex[-5:]}-models", "v1", "training", left, made, collect_at=again),
        Orphan(space, "taas-tb-vision-k3v9q", "n2", "endpoint", gone, made, now - timedelta(minutes=9), stuck=STUCK),
    ]
    async with web.context.database.transaction() as connection:
        await cluster_nodes.replace_all(connection, rows)
        await orphan_rows.replace_all(connection, orphans)


async def keep_alive(web: Web) -> None:
    """The worker has just been seen, and has just looked at the nodes."""
    async with web.context.database.transaction() as connection:
        await workers.say_seen(connection, name="worker-a", version="0.1.0", cluster="production", problem="")
    await run(web, "UPDATE cluster_nodes SET observed_at = now()")
