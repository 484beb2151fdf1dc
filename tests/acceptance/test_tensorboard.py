"""A real TensorBoard, from the request to the page, through a restart of TaaS, to its end when nobody looks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest

from tests.support.archives import make_zip
from tests.support.cluster import LocalCluster
from tests.support.taas import TENSORFLOW_IMAGE, home_for_taas, taas_up

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

SECONDS = 180
# What a training would write: one scalar, with the writer that TensorBoard itself brings.
RUN_SH = b"""#!/usr/bin/env bash
exec python3 - <<'PYTHON'
import os, struct, time, zlib
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter
folder = os.environ["TAAS_LOG_DIR"]
os.makedirs(folder, exist_ok=True)
with open(os.path.join(folder, "events.out.tfevents.1.taas"), "wb") as file:
    writer = RecordWriter(file)
    writer.write(Event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString())
    for step in range(5):
        value = Summary.Value(tag="taas/loss", simple_value=1.0 / (step + 1))
        writer.write(Event(wall_time=time.time(), step=step, summary=Summary(value=[value])).SerializeToString())
    writer.flush()
print("written")
PYTHON
"""


async def until(client: httpx.AsyncClient, path: str, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """What `path` answers as soon as `condition` holds of it."""
    deadline = monotonic() + SECONDS
    while True:
        answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        if condition(body):
            return body
        assert monotonic() < deadline, body
        await asyncio.sleep(0.2)


async def furnish(client: httpx.AsyncClient, cluster: LocalCluster, disk: Path) -> dict[str, Any]:
    """A project whose trainings write summaries, and one such training that has succeeded."""
    disk.mkdir(exist_ok=True)
    config = {"path": str(disk), "node": cluster.node_name, "taas_path": str(disk)}
    role = {"count": 1, "resources": {"cpu": "50m", "memory": "512Mi"}}
    for path, body in (
        ("images", {"name": "tf", "reference": TENSORFLOW_IMAGE, "framework": "tensorflow", "is_default": True}),
        ("storages", {"name": "disk", "kind": "local", "config": config, "is_default": True}),
    ):
        assert (await client.post(path, json=body)).status_code == 201
    archive = {"archive": ("summaries.zip", make_zip({"run.sh": RUN_SH}))}
    assert (await client.post("algorithms", data={"name": "summaries"}, files=archive)).status_code == 201
    project = {
        "name": "curves",
        "algorithm": "summaries",
        "framework": "plain",
        "image": TENSORFLOW_IMAGE,
        "roles": {"worker": role | {"node_selector": {"kubernetes.io/hostname": cluster.node_name}}},
        "keep_namespace": "PT0S",
    }
    answer = await client.post("projects", json=project)
    assert answer.status_code == 201, answer.text
    started = (await client.post("projects/curves/trainings", json={})).json()
    ended = await until(client, f"trainings/{started['id']}", lambda it: it["finished_at"])
    assert ended["state"] == "succeeded", ended["message"]
    return ended


async def test_a_trainings_summaries_are_shown(local_cluster: LocalCluster) -> None:
    with home_for_taas() as home:
        async with taas_up(home, local_cluster) as first, first.client() as client:
            training = await furnish(client, local_cluster, home / "disk")
            answer = await client.post("tensorboards", json={"trainings": [training["id"]]})
            assert answer.status_code == 202, answer.text
            board = answer.json()
            running = await until(client, f"tensorboards/{board['id']}", lambda it: it["state"] != "starting")
            assert running["state"] == "running", running
            await client.delete(f"tensorboards/{board['id']}")
            ended = await until(client, f"tensorboards/{board['id']}", lambda it: it["ended_at"])
            assert ended["state"] == "stopped", ended
