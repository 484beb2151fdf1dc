"""Every object that TaaS makes, judged by a real API server."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from app.k8s.manifests import build
from tests.support.cluster import LocalCluster
from tests.support.collections import collection_of, path_of
from tests.support.launches import launches
from tests.support.waiting import wait_for

pytestmark = pytest.mark.cluster

STRICT = "?dryRun=All&fieldValidation=Strict"


@pytest.fixture
def walled(local_cluster: LocalCluster) -> Iterator[str]:
    """A namespace as a training gets it."""
    manifest = copy.deepcopy(build(launches()["plain"]).namespace)
    manifest["metadata"]["name"] = name = f"manifests-{uuid4().hex[:8]}"
    local_cluster.call("POST", collection_of(manifest), manifest)
    try:
        wait_for_account(local_cluster, name)
        yield name
    finally:
        local_cluster.call("DELETE", path_of(manifest))


def wait_for_account(local_cluster: LocalCluster, namespace: str) -> None:
    """Pods made by hand need the account that a controller makes shortly after the namespace."""
    wait_for(lambda: local_cluster.call("GET", f"/api/v1/namespaces/{namespace}/serviceaccounts")["items"])


@pytest.mark.parametrize("name", launches())
def test_the_api_server_takes_every_object_and_every_pod(name: str, local_cluster: LocalCluster, walled: str) -> None:
    objects = build(launches()[name])
    for manifest in objects.in_order():
        there = moved(manifest, walled)
        made = local_cluster.call("POST", collection_of(there) + STRICT, there)
        assert made["metadata"]["name"] == manifest["metadata"]["name"]
    for role in objects.jobs:
        made = local_cluster.call("POST", pods(walled) + STRICT, pod_of(objects.jobs[role]))
        assert made["kind"] == "Pod"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("securityContext", {"privileged": True}),
        ("securityContext", {"allowPrivilegeEscalation": False}),
    ],
)
def test_a_pod_with_more_rights_is_refused(local_cluster: LocalCluster, walled: str, field: str, value: Any) -> None:
    pod = pod_of(build(launches()["plain"]).jobs["worker"])
    pod["spec"]["containers"][0][field] = value
    with pytest.raises(Exception, match="violates PodSecurity"):
        local_cluster.call("POST", pods(walled) + STRICT, pod)


def test_a_pod_that_sees_the_node_is_refused(local_cluster: LocalCluster, walled: str) -> None:
    pod = pod_of(build(launches()["plain"]).jobs["worker"])
    pod["spec"]["volumes"].append({"name": "node", "hostPath": {"path": "/"}})
    with pytest.raises(Exception, match="violates PodSecurity"):
        local_cluster.call("POST", pods(walled) + STRICT, pod)


def pods(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/pods"


def moved(manifest: dict[str, Any], namespace: str) -> dict[str, Any]:
    copied = copy.deepcopy(manifest)
    if "namespace" in copied["metadata"]:
        copied["metadata"]["namespace"] = namespace
    return copied


def pod_of(job: dict[str, Any]) -> dict[str, Any]:
    """A pod as the Job controller would make it: the API server judges pods, not Jobs, by Pod Security."""
    template = copy.deepcopy(job["spec"]["template"])
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"{job['metadata']['name']}-0-under-test", **template["metadata"]},
        "spec": template["spec"],
    }
