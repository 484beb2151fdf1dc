"""A laboratory: one `taas up` on the local cluster, and trainings of one small bash script each, through the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx

from tests.support.archives import make_zip
from tests.support.cluster import LocalCluster
from tests.support.taas import TaasProcess, taas_up
from tests.support.waiting import eventually

IMAGE = "localhost/taas/python:3.11"
SMALL = {"cpu": "10m", "memory": "64Mi"}
# The first argument is the script, so that every test's script stands in the test.
RUN_SH = b'#!/usr/bin/env bash\nscript=$1\nshift\neval "$script"\n'
SECONDS = 150
"""Patience with what takes seconds: many trainings at a time on two processors."""

Json = dict[str, Any]


@dataclass
class Lab:
    """Makes projects and starts trainings; `disk` is the storage that they all have unless told."""

    taas: TaasProcess
    cluster: LocalCluster
    http: httpx.AsyncClient
    disk: Path
    installation: str
    scenarios: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    fake_nodes: list[str] = field(default_factory=list)

    def on(self, *, resources: Json | None = None, count: int = 1, node: Json | None = None, **more: Any) -> Json:
        """A role of small tasks on the real node, or on nodes with these labels."""
        where = node or {"kubernetes.io/hostname": self.cluster.node_name}
        return {"count": count, "resources": SMALL | (resources or {}), "node_selector": where, **more}

    async def project(self, name: str, script: str = "", *args: str, **fields: Any) -> None:
        """A project whose tasks run `script`, on one small task on the real node unless told otherwise."""
        body = {
            "name": name,
            "algorithm": "shell",
            "framework": "plain",
            "image": IMAGE,
            "roles": {"worker": self.on()},
            "args": [script, *args],
            "keep_namespace": "PT0S",
            "stop_grace": "PT10S",
            **fields,
        }
        await self.post("projects", body, status=201)

    async def train(self, name: str, script: str = "", *args: str, **fields: Any) -> Run:
        """A project of that name, and a training of it."""
        await self.project(name, script, *args, **fields)
        return await self.start(name)

    async def start(self, name: str, **changes: Any) -> Run:
        """A training of a project that is there."""
        return Run(self, await self.post(f"projects/{name}/trainings", changes, status=202))

    async def post(self, path: str, body: Any = None, *, status: int) -> Json:
        answer = await self.http.post(path, json=body)
        assert answer.status_code == status, f"{path}: {answer.text}\n{self._log_of(answer)}"
        made: Json = answer.json()
        return made

    def _log_of(self, answer: httpx.Response) -> str:
        """What the server said of a request that it failed to answer."""
        id_ = answer.headers.get("X-Request-ID", "")
        return "\n".join(line for line in self.taas.output.splitlines() if id_ and id_ in line)

    async def new_nodes(self, name: str, count: int, **properties: Any) -> Json:
        """Fake nodes `<installation>-<name>-0…`, gone with the laboratory; returns the label that they have."""
        prefix = f"{self.installation}-{name}"
        self.fake_nodes.append(prefix)
        await asyncio.to_thread(self.cluster.fake_nodes, count, prefix=prefix, labels={"lab": prefix}, **properties)
        return {"lab": prefix}

    async def kube(self, method: str, path: str, body: object = None) -> Any:
        """As the cluster's administrator."""
        return await asyncio.to_thread(self.cluster.call, method, path, body)


@dataclass
class Run:
    """A training that a test follows; `record` is what the API said last."""

    lab: Lab
    record: Json

    @property
    def id(self) -> str:
        return str(self.record["id"])

    @property
    def space(self) -> str:
        """The path of its namespace in the Kubernetes API."""
        return f"/api/v1/namespaces/{self.record['namespace']}"

    async def until(self, condition: Callable[[Json], object], *, seconds: float = SECONDS) -> Json:
        """The record as soon as `condition` holds of it, by long-polling."""
        deadline = monotonic() + seconds
        etag = ""
        while True:
            left = deadline - monotonic()
            wait = {"wait": f"{min(max(left, 0), 20):.1f}"} if etag else {}
            headers = {"If-None-Match": etag} if etag else {}
            answer = await self.lab.http.get(f"trainings/{self.id}", params=wait, headers=headers)
            if answer.status_code == 200:
                self.record, etag = answer.json(), answer.headers["ETag"]
                if condition(self.record):
                    return self.record
            assert left > 0, f"not within {seconds} s: {self._short()}"

    async def reaches(self, state: str, *, seconds: float = SECONDS) -> Json:
        """The record once it is in that state; one that ends otherwise fails at once."""
        await self.until(lambda it: it["state"] == state or it["finished_at"], seconds=seconds)
        assert self.record["state"] == state, self._short()
        return self.record

    async def ends(self, state: str, reason: str, *, seconds: float = SECONDS) -> Json:
        """The record once it has ended, in that state for that reason."""
        await self.until(lambda it: it["finished_at"], seconds=seconds)
        assert (self.record["state"], self.record["reason"]) == (state, reason), self._short()
        return self.record

    async def is_gone(self, *, seconds: float = SECONDS) -> Json:
        """The record once its namespace is gone, which the cluster is asked about too."""
        await self.until(lambda it: it["namespace_state"] == "gone", seconds=seconds)
        path = "/api/v1/namespaces?fieldSelector=metadata.name%3D"
        assert (await self.lab.kube("GET", f"{path}{self.record['namespace']}"))["items"] == []
        return self.record

    async def stop(self) -> None:
        await self.lab.post(f"trainings/{self.id}/stop", status=202)

    async def tasks(self) -> dict[str, Json]:
        """By name, such as worker-0."""
        answer = await self.lab.http.get(f"trainings/{self.id}/tasks")
        return {task["task"]: task for task in answer.json()["items"]}

    async def events(self) -> list[Json]:
        answer = await self.lab.http.get(f"trainings/{self.id}/events", params={"limit": 200})
        items: list[Json] = answer.json()["items"]
        return items

    async def log(self, task: str, attempt: int | None = None) -> bytes:
        """What a task printed, in its last try unless told."""
        which = {"task": task} | ({"attempt": str(attempt)} if attempt else {})
        answer = await self.lab.http.get(f"trainings/{self.id}/logs", params=which)
        assert answer.status_code == 200, answer.text
        return answer.content

    async def says(self, line: str, task: str = "worker-0") -> None:
        """Returns once the task has printed that: what its program set up before, such as a trap, holds from now on."""
        await self.reaches("running")

        async def printed() -> bool:
            answer = await self.lab.http.get(f"trainings/{self.id}/logs", params={"task": task})
            assert answer.status_code in (200, 404), answer.text  # 404: it has no log yet
            return answer.status_code == 200 and line in answer.text.splitlines()

        await eventually(printed)

    async def pods(self) -> dict[str, Json]:
        """What the cluster has of it now, by name."""
        found = await self.lab.kube("GET", f"{self.space}/pods")
        return {pod["metadata"]["name"]: pod for pod in found["items"]}

    async def running_pod(self, attempt: int = 1) -> str:
        """The name of the pod of a training of one task, once that try runs."""

        async def look() -> str | None:
            (task,) = (await self.tasks()).values()
            tries = [it for it in task["attempts"] if it["number"] == attempt and it["state"] == "running"]
            return tries[0]["pod"] if tries else None

        pod = str(await eventually(look))
        await self.until(lambda it: it["namespace"])
        return pod

    def kept(self, what: str) -> Path:
        """Where a file of its logs/ or models/ lies on the disk."""
        kind, _, name = what.partition("/")
        (folder,) = self.lab.disk.glob(f"{self.record['project']}-?????/{kind}/{self.record['number']}")
        return folder / name

    def _short(self) -> str:
        told = ("project", "state", "reason", "message", "namespace", "namespace_state", "namespace_message", "tasks")
        return ", ".join(f"{name}: {self.record[name]!r}" for name in told)


@asynccontextmanager
async def laboratory(cluster: LocalCluster, **settings: str) -> AsyncIterator[Lab]:
    """A server of its own with the algorithm `shell` and the storage `disk`; in the end nothing of it is left."""
    installation = f"lab-{uuid4().hex[:8]}"
    # Not in pytest's folder: another session that starts shuts it for the user that PostgreSQL runs as.
    with TemporaryDirectory(prefix="taas-lab-") as folder:
        home = Path(folder)
        settings["TAAS_INSTALLATION"] = installation
        try:
            async with taas_up(home, cluster, **settings) as taas, taas.client() as http:
                lab = await furnished(taas, cluster, http, installation)
                try:
                    yield lab
                finally:
                    await _end(lab)
        finally:
            await asyncio.to_thread(_clear, cluster, f"taas.dev%2Finstallation%3D{installation}")


async def furnished(taas: TaasProcess, cluster: LocalCluster, http: httpx.AsyncClient, installation: str) -> Lab:
    """A laboratory over a fresh server."""
    lab = Lab(taas, cluster, http, taas.home / "disk", installation)
    lab.disk.mkdir()
    archive = make_zip({"run.sh": RUN_SH})
    made = await lab.http.post("algorithms", data={"name": "shell"}, files={"archive": ("shell.zip", archive)})
    assert made.status_code == 201, made.text
    where = {"path": str(lab.disk), "taas_path": str(lab.disk), "node": cluster.node_name}
    await lab.post("storages", {"name": "disk", "kind": "local", "config": where, "is_default": True}, status=201)
    return lab


async def _end(lab: Lab) -> None:
    """Of a test run that was broken off."""
    for scenario in lab.scenarios.values():
        scenario.cancel()
    await asyncio.gather(*lab.scenarios.values(), return_exceptions=True)
    for prefix in lab.fake_nodes:
        await asyncio.to_thread(lab.cluster.fake_nodes, 0, prefix=prefix)


def _clear(cluster: LocalCluster, selector: str) -> None:
    """What tests have left: a failed one, or one that keeps its namespace for long."""
    for space in cluster.call("GET", f"/api/v1/namespaces?labelSelector={selector}")["items"]:
        name = space["metadata"]["name"]
        cluster.call("DELETE", f"/api/v1/namespaces/{name}")
        cluster.call("DELETE", f"/apis/batch/v1/namespaces/{name}/jobs?propagationPolicy=Background")
    cluster.call("DELETE", f"/api/v1/persistentvolumes?labelSelector={selector}")
