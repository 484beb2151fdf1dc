"""A training's objects on a real cluster, without a worker: what its tasks really find, and what they leave."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.domain import names
from app.domain.project import Framework, Resources, Role, RunSpec
from app.domain.training import StorageMount, TrainingSpec
from app.k8s.manifests import Launch, build
from tests.support.cluster import LocalCluster
from tests.support.collections import collection_of
from tests.support.launches import HOSTILE_ARGS
from tests.support.waiting import wait_for

pytestmark = pytest.mark.cluster

IMAGE = "localhost/taas/python:3.11"
SECONDS = 120


@dataclass(frozen=True)
class Ran:
    """How a training's Job ended, and what each pod printed, by index."""

    succeeded: bool
    logs: dict[int, str]


Run = Callable[[Launch], Ran]


@pytest.fixture
def run(local_cluster: LocalCluster) -> Iterator[Run]:
    """Makes a training's objects, waits for its only Job, and takes everything away in the end."""
    made: list[Launch] = []

    def launched(launch: Launch) -> Ran:
        made.append(launch)
        make(local_cluster, launch)
        return ended(local_cluster, launch)

    yield launched
    for launch in made:
        local_cluster.call("DELETE", f"/api/v1/namespaces/{launch.namespace}")
        for volume in build(launch).volumes:
            local_cluster.call("DELETE", f"/api/v1/persistentvolumes/{volume['metadata']['name']}")


def test_tasks_get_their_arguments_to_the_byte_and_find_each_other(run: Run, local_cluster: LocalCluster) -> None:
    script = """
import json, os, socket, sys, time
hosts = os.environ["TAAS_WORKER_HOSTS"].split(",")
here = socket.create_server(("", 7000))
here.settimeout(60)
end = time.monotonic() + 60
def reach(host):
    while True:
        try:
            with socket.create_connection((host, 7000), 60) as there:
                return there.getpeername()[0]
        except OSError:
            assert time.monotonic() < end, f"{host} does not answer"
            time.sleep(0.2)
peers = [reach(host) for host in hosts]
for _ in hosts:
    here.accept()  # until everybody has found this one
names = ["TAAS_ROLE", "TAAS_INDEX", "TAAS_ATTEMPT", "TAAS_NUMBER", "HOME", "SECRET", "GIVEN"]
print(json.dumps({"args": sys.argv[1:], "peers": len(set(peers)), "uid": os.getuid(),
                  "env": {name: os.environ.get(name) for name in names}}))
"""
    spec = on_node(local_cluster, 2, args=HOSTILE_ARGS, env={"GIVEN": "it's $HOME\n"}, secret_env=("SECRET",))
    ran = run(replace(launch_of("args", spec, script), secret_env={"SECRET": "s3cr$et'"}))
    assert ran.succeeded, ran.logs
    for index, log in ran.logs.items():
        told = json.loads(log)
        assert told["args"] == list(HOSTILE_ARGS)
        assert (told["peers"], told["uid"]) == (2, 1000)
        assert told["env"] == {
            "TAAS_ROLE": "worker",
            "TAAS_INDEX": str(index),
            "TAAS_ATTEMPT": "1",
            "TAAS_NUMBER": "1",
            "HOME": "/taas/home",
            "SECRET": "s3cr$et'",
            "GIVEN": "it's $HOME\n",
        }


def test_a_directory_of_the_node_keeps_each_project_to_itself(
    run: Run, local_cluster: LocalCluster, tmp_path: Path
) -> None:
    root = tmp_path / "storage"
    root.mkdir()
    script = """
import os, sys
from pathlib import Path
for name in ("LOG", "MODEL", "DATA"):
    folder = Path(os.environ[f"TAAS_{name}_DIR"])
    print(name, sorted(path.name for path in folder.iterdir()))
    (folder / sys.argv[1]).write_text("x")
around = Path(os.environ["TAAS_DATA_DIR"]).parent
print("around", sorted(path.name for path in around.iterdir()), [path.name for path in around.parent.iterdir()])
print("earlier", sorted(path.name for path in around.glob("models/*/*")))
"""
    first, second = uuid4(), uuid4()

    def once(project: str, project_id: UUID, number: int, word: str) -> list[str]:
        mount = StorageMount(
            "disk",
            "local",
            {"path": str(root), "node": local_cluster.node_name},
            names.project_folder(project, project_id),
        )
        ran = run(launch_of(project, on_node(local_cluster, 1, args=(word,)), script, number=number, storage=mount))
        assert ran.succeeded, ran.logs
        return ran.logs[0].splitlines()

    around = "around ['data', 'logs', 'models'] ['disk']"
    assert once("mine", first, 1, "a") == ["LOG []", "MODEL []", "DATA []", around, "earlier ['a']"]
    assert once("mine", first, 2, "b") == ["LOG []", "MODEL []", "DATA ['a']", around, "earlier ['a', 'b']"]
    assert once("theirs", second, 1, "c") == ["LOG []", "MODEL []", "DATA []", around, "earlier ['c']"]
    mine = root / names.project_folder("mine", first)
    left = {path.relative_to(mine).as_posix() for path in mine.rglob("?") if path.is_file()}
    assert left == {"data/a", "data/b", "logs/1/a", "logs/2/b", "models/1/a", "models/2/b"}


def test_devices_are_given_out_and_their_nodes_taint_is_put_up_with(local_cluster: LocalCluster) -> None:
    devices = {"nvidia.com/gpu": "4"}
    (node,) = local_cluster.fake_nodes(1, prefix="gpu", taints=["nvidia.com/gpu=present:NoSchedule"], resources=devices)
    run = RunSpec(Framework.PYTORCH, IMAGE, {"worker": Role(2, Resources(gpu=2))})
    first, second = launch_of("gpu", run, ""), launch_of("gpu", run, "", number=2)
    try:
        make(local_cluster, first)
        wait_for(lambda: [pod["spec"].get("nodeName") for pod in pods_of(local_cluster, first)] == [node, node])
        make(local_cluster, second)
        wait_for(lambda: [why_not_placed(pod) for pod in pods_of(local_cluster, second)].count(True) == 2)
    finally:
        for launch in (first, second):
            local_cluster.call("DELETE", f"/api/v1/namespaces/{launch.namespace}")
        local_cluster.fake_nodes(0, prefix="gpu")


def why_not_placed(pod: dict[str, Any]) -> bool:
    """Whether the scheduler says that devices are short."""
    conditions = pod["status"].get("conditions", [])
    return any("Insufficient nvidia.com/gpu" in condition.get("message", "") for condition in conditions)


def on_node(local_cluster: LocalCluster, count: int, **fields: Any) -> RunSpec:
    """A plain run of small tasks on the real node."""
    role = Role(count, node_selector={"kubernetes.io/hostname": local_cluster.node_name})
    small = replace(role, resources=replace(role.resources, cpu="50m", memory="128Mi"))
    return RunSpec(Framework.PLAIN, IMAGE, {"worker": small}, **fields)


def launch_of(
    project: str, run: RunSpec, script: str, *, number: int = 1, storage: StorageMount | None = None
) -> Launch:
    """A launch whose `run.sh` runs a Python script."""
    training_id = uuid4()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in (("run.sh", 'exec python3 task.py "$@"\n'), ("task.py", script)):
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return Launch(
        training_id=training_id,
        project=project,
        number=number,
        installation="tests",
        namespace=names.namespace(project, number, training_id),
        spec=TrainingSpec("algorithm", 1, "d" * 64, run, storage=storage),
        bundle=packed.getvalue(),
    )


def make(local_cluster: LocalCluster, launch: Launch) -> None:
    for manifest in build(launch).in_order():
        local_cluster.call("POST", collection_of(manifest), manifest)


def pods_of(local_cluster: LocalCluster, launch: Launch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = local_cluster.call("GET", f"/api/v1/namespaces/{launch.namespace}/pods")["items"]
    return found


def ended(local_cluster: LocalCluster, launch: Launch) -> Ran:
    job: dict[str, Any] = {}

    def over() -> bool:
        job.update(local_cluster.call("GET", f"/apis/batch/v1/namespaces/{launch.namespace}/jobs/worker"))
        return bool(true_conditions(job) & {"Complete", "Failed"})

    wait_for(over, lambda: [pod["status"] for pod in pods_of(local_cluster, launch)])
    logs = {index_of(pod): log_of(local_cluster, pod) for pod in pods_of(local_cluster, launch)}
    return Ran("Complete" in true_conditions(job), logs)


def true_conditions(job: dict[str, Any]) -> set[str]:
    return {found["type"] for found in job.get("status", {}).get("conditions", []) if found["status"] == "True"}


def index_of(pod: dict[str, Any]) -> int:
    return int(pod["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"])


def log_of(local_cluster: LocalCluster, pod: dict[str, Any]) -> str:
    meta = pod["metadata"]
    log = local_cluster.call("GET", f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/log")
    return log if isinstance(log, str) else json.dumps(log)
