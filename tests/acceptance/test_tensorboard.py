"""A real TensorBoard, from the request to the page, through a restart of TaaS, to its end when nobody looks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.support.archives import make_zip
from tests.support.browser import WIDE, chromium
from tests.support.cluster import LocalCluster
from tests.support.taas import TENSORFLOW_IMAGE, home_for_taas, taas_up

pytestmark = [pytest.mark.cluster, pytest.mark.browser, pytest.mark.timeout(600)]

PASSWORD = "correct horse battery staple"

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


async def test_summaries_are_shown_through_a_restart_until_nobody_looks(local_cluster: LocalCluster) -> None:
    with home_for_taas() as home:
        async with chromium() as browser:
            context = await browser.new_context(viewport=WIDE)  # type: ignore[arg-type]
            context.set_default_timeout(SECONDS * 1000)
            page = await context.new_page()
            async with taas_up(home, local_cluster, TAAS_ADMIN_PASSWORD=PASSWORD) as first, first.client() as client:
                training = await furnish(client, local_cluster, home / "disk")
                await page.goto(f"{first.url}/login")
                await page.get_by_label("Name").fill("admin")
                await page.get_by_label("Password").fill(PASSWORD)
                await page.get_by_role("button", name="Log in").click()
                await page.wait_for_url(f"{first.url}/")
                await page.goto(f"{first.url}/trainings/{training['id']}")
                await page.get_by_role("button", name="TensorBoard").click()
                await sees_the_curve(page)
                (board,) = (await client.get("tensorboards")).json()["items"]
                assert board["state"] == "running"
                assert board["last_request_at"] is not None
                pods = await pods_of(local_cluster, board)

            async with taas_up(home, local_cluster, TAAS_TENSORBOARD_IDLE="PT5S") as second, second.client() as client:
                # The browser is who it was, and what ran runs on.
                await page.goto(f"{second.url}/tensorboards/{board['id']}/open")
                await sees_the_curve(page)
                assert await pods_of(local_cluster, board) == pods
                await context.close()

                same = await client.post("tensorboards", json={"trainings": [training["id"]]})
                assert (same.status_code, same.json()["id"]) == (202, board["id"])
                ended = await until(client, f"tensorboards/{board['id']}", lambda it: it["ended_at"])
                assert (ended["state"], ended["reason"], ended["namespace_state"]) == ("stopped", "idle", "gone")
                assert await left_of(local_cluster, board) == []


async def sees_the_curve(page: Page) -> None:
    """TensorBoard's own page, with the tag that the training wrote."""
    await page.wait_for_url("http://*.localhost:*/**")
    await expect(page).to_have_title("curves 1 · TensorBoard", timeout=SECONDS * 1000)
    await expect(page.get_by_text("taas/loss").first).to_be_visible(timeout=SECONDS * 1000)


async def pods_of(cluster: LocalCluster, board: dict[str, Any]) -> list[str]:
    """The UIDs of its pods."""
    path = f"/api/v1/namespaces/{board['namespace']}/pods"
    found = await asyncio.to_thread(cluster.call, "GET", path)
    return [pod["metadata"]["uid"] for pod in found["items"]]


async def left_of(cluster: LocalCluster, board: dict[str, Any]) -> list[str]:
    """What the cluster still has of it."""
    selector = f"labelSelector=taas.dev%2Fendpoint%3D{board['id']}"
    found = [
        await asyncio.to_thread(cluster.call, "GET", f"/api/v1/{kind}?{selector}")
        for kind in ("namespaces", "persistentvolumes")
    ]
    return [item["metadata"]["name"] for answer in found for item in answer["items"]]
