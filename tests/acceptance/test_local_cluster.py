"""The local cluster is a real one: pods run, resolve each other, have no way out, and it can be stopped and started."""

import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.support.cluster import LocalCluster
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.cluster]

LOOK_AROUND = """
import os, socket, time
print("user", os.getuid())
def address(name, until):
    while True:
        try: return socket.gethostbyname(name)
        except OSError:
            if time.monotonic() > until: return "unknown"
            time.sleep(0.1)
for name in ("task-0.tasks", "task-1.tasks"):  # the other one may have no address yet
    print("name", name, address(name, time.monotonic() + 60))
print("name", "outside.example", address("outside.example", 0))
routes = [line.split()[1] for line in open("/proc/net/route").readlines()[1:]]
print("default route", "00000000" in routes)
for address in ("192.0.2.1", "198.51.100.1", OTHER):
    try: socket.create_connection((address, 80), 3); print("reached", address)
    except OSError as problem: print("not reached", address, problem.strerror)
try: open("/file", "w")
except OSError as problem: print("root", problem.strerror)
"""


@pytest.fixture
def namespace(local_cluster: LocalCluster) -> Iterator[str]:
    name = f"look-{uuid4().hex[:8]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    local_cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    yield name
    local_cluster.call("DELETE", f"/api/v1/namespaces/{name}")


def test_tasks_run_as_nobody_special_resolve_each_other_and_have_no_way_out(local_cluster, namespace):
    other = local_cluster.instance.addresses.network.network_address + 2**17  # where another instance would be
    service = {
        "metadata": {"name": "tasks"},
        "spec": {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": {"job-name": "task"}},
    }
    local_cluster.call("POST", f"/api/v1/namespaces/{namespace}/services", service)
    start_job(local_cluster, namespace, "task", LOOK_AROUND.replace("OTHER", repr(str(other))), count=2)

    wait_for(lambda: job(local_cluster, namespace, "task")["status"].get("succeeded") == 2)
    pods = {pod["spec"]["hostname"]: pod for pod in pods_of(local_cluster, namespace, "task")}
    said = local_cluster.call("GET", f"/api/v1/namespaces/{namespace}/pods/{pods['task-0']['metadata']['name']}/log")

    assert said.splitlines() == [
        "user 1000",
        f"name task-0.tasks {pods['task-0']['status']['podIP']}",
        f"name task-1.tasks {pods['task-1']['status']['podIP']}",
        "name outside.example unknown",
        "default route False",
        "not reached 192.0.2.1 Network is unreachable",
        "not reached 198.51.100.1 Network is unreachable",
        f"not reached {other} Network is unreachable",
        "root Read-only file system",
    ]


def test_pods_and_services_are_reachable_from_the_machine(local_cluster, namespace):
    start_job(local_cluster, namespace, "web", "import http.server as h; h.test(h.SimpleHTTPRequestHandler, port=8000)")
    service = {"metadata": {"name": "web"}, "spec": {"selector": {"job-name": "web"}, "ports": [{"port": 8000}]}}
    address = local_cluster.call("POST", f"/api/v1/namespaces/{namespace}/services", service)["spec"]["clusterIP"]

    wait_for(lambda: answers(address, 8000))
    (pod,) = pods_of(local_cluster, namespace, "web")
    for host in (address, pod["status"]["podIP"]):
        assert urllib.request.urlopen(f"http://{host}:8000/", timeout=30).status == 200


def test_a_fake_nodes_graphics_processors_are_allocated(local_cluster, namespace):
    (node,) = local_cluster.fake_nodes(
        1, prefix="gpus", resources={"nvidia.com/gpu": "4"}, taints=["gpus=yes:NoSchedule"]
    )
    try:
        start_job(
            local_cluster,
            namespace,
            "greedy",
            "",
            count=5,
            resources={"nvidia.com/gpu": "1"},
            node=node,
            tolerations=[{"key": "gpus", "operator": "Exists"}],
        )

        wait_for(lambda: job(local_cluster, namespace, "greedy")["status"].get("ready") == 4)
        waiting = [pod for pod in pods_of(local_cluster, namespace, "greedy") if pod["status"]["phase"] == "Pending"]
        (condition,) = waiting[0]["status"]["conditions"]
        assert len(waiting) == 1
        assert "Insufficient nvidia.com/gpu" in condition["message"]
    finally:
        path = f"/apis/batch/v1/namespaces/{namespace}/jobs/greedy?propagationPolicy=Background"
        local_cluster.call("DELETE", path)
        wait_for(lambda: not pods_of(local_cluster, namespace, "greedy"))
        local_cluster.fake_nodes(0, prefix="gpus")


def test_the_audit_log_tells_who_wrote_what(local_cluster, namespace):
    mark = local_cluster.audit_mark()
    local_cluster.call("POST", f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": "seen"}})
    events = local_cluster.audit_since(mark, agent="taas-local")
    seen = [(event["verb"], event["objectRef"]["name"], event["responseStatus"]["code"]) for event in events]
    assert seen == [("create", "seen", 201)]


def test_the_api_server_stops_and_starts_again(local_cluster, namespace):
    local_cluster.stop("kube-apiserver")
    try:
        with pytest.raises(OSError, match="refused"):
            local_cluster.call("GET", f"/api/v1/namespaces/{namespace}")
        status = subprocess.run(
            [sys.executable, "-m", "deploy.local", "status", "--name", local_cluster.name],
            capture_output=True,
            text=True,
            check=False,
        )
        assert status.returncode == 1
        assert "kube-apiserver" in status.stdout
    finally:
        local_cluster.start("kube-apiserver")
    assert local_cluster.call("GET", f"/api/v1/namespaces/{namespace}")["status"]["phase"] == "Active"


def start_job(
    cluster: LocalCluster,
    namespace: str,
    name: str,
    program: str,
    *,
    count: int = 1,
    resources: dict[str, str] | None = None,
    node: str | None = None,
    tolerations: list[dict[str, str]] | None = None,
) -> None:
    container = {
        "name": "main",
        "image": "localhost/taas/python:3.11",
        "command": ["python3", "-c", program],
        "resources": {"limits": resources or {}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    pod = {
        "restartPolicy": "Never",
        "subdomain": "tasks",
        "nodeSelector": {"kubernetes.io/hostname": node or cluster.node_name},
        "tolerations": tolerations or [],
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
    }
    spec = {
        "completions": count,
        "parallelism": count,
        "completionMode": "Indexed",
        "backoffLimit": 0,
        "template": {"spec": pod},
    }
    cluster.call("POST", f"/apis/batch/v1/namespaces/{namespace}/jobs", {"metadata": {"name": name}, "spec": spec})


def job(cluster: LocalCluster, namespace: str, name: str) -> Any:
    return cluster.call("GET", f"/apis/batch/v1/namespaces/{namespace}/jobs/{name}")


def pods_of(cluster: LocalCluster, namespace: str, name: str) -> list[Any]:
    found: list[Any] = cluster.call("GET", f"/api/v1/namespaces/{namespace}/pods?labelSelector=job-name%3D{name}")[
        "items"
    ]
    return found


def answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 1).close()
    except OSError:
        return False
    return True
