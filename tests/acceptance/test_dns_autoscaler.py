"""deploy/dns-autoscaler.yaml, judged by a real API server: every object, its pod, and just the rights it needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.cluster import LocalCluster
from tests.support.collections import collection_of, path_of
from tests.support.waiting import wait_for

pytestmark = pytest.mark.cluster

FILE = Path(__file__).parents[2] / "deploy/dns-autoscaler.yaml"
STRICT = "?dryRun=All&fieldValidation=Strict"
SYSTEM = "/namespaces/kube-system"
WHO = "system:serviceaccount:kube-system:dns-autoscaler"


def manifests() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(FILE.read_text()))


def the(kind: str) -> dict[str, Any]:
    return next(one for one in manifests() if one["kind"] == kind)


def test_the_api_server_takes_every_object_and_the_pod(local_cluster: LocalCluster) -> None:
    for manifest in manifests():
        made = local_cluster.call("POST", collection_of(manifest) + STRICT, manifest)
        assert made["metadata"]["name"] == manifest["metadata"]["name"]
    template = the("Deployment")["spec"]["template"]
    spec = template["spec"] | {"serviceAccountName": "default"}  # the dry run has made no other
    pod = {"metadata": {"name": "under-test", **template["metadata"]}, "spec": spec}
    wait_for(lambda: local_cluster.call("GET", f"/api/v1{SYSTEM}/serviceaccounts")["items"])
    taken = local_cluster.call("POST", f"/api/v1{SYSTEM}/pods{STRICT}", pod)
    assert taken["spec"]["priority"] > 0


@pytest.fixture
def bound(local_cluster: LocalCluster) -> Iterator[None]:
    """Its roles and bindings, for real."""
    made = [one for one in manifests() if "Role" in one["kind"]]
    for manifest in made:
        local_cluster.call("POST", collection_of(manifest), manifest)
    try:
        yield
    finally:
        for manifest in made:
            local_cluster.call("DELETE", path_of(manifest))


def may(cluster: LocalCluster, verb: str, resource: str, name: str = "", namespace: str = "kube-system") -> bool:
    group = "apps" if resource.startswith("deployments") else ""
    what, _, sub = resource.partition("/")
    asked = {"verb": verb, "group": group, "resource": what, "subresource": sub, "name": name, "namespace": namespace}
    review = {"spec": {"user": WHO, "groups": ["system:serviceaccounts"], "resourceAttributes": asked}}
    answer = cluster.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return bool(answer["status"]["allowed"])


@pytest.mark.usefixtures("bound")
def test_it_may_do_what_it_does_and_nothing_else(local_cluster: LocalCluster) -> None:
    """What the program asks for: `pkg/autoscaler/k8sclient` of cluster-proportional-autoscaler."""
    wait_for(lambda: may(local_cluster, "list", "nodes", namespace=""))  # the authorizer hears of roles by a watch
    for verb, resource, name, namespace in (
        ("list", "nodes", "", ""),
        ("watch", "nodes", "", ""),
        ("get", "configmaps", "dns-autoscaler", "kube-system"),
        ("get", "deployments/scale", "coredns", "kube-system"),
        ("update", "deployments/scale", "coredns", "kube-system"),
    ):
        assert may(local_cluster, verb, resource, name, namespace), (verb, resource)
    for verb, resource, name, namespace in (
        ("update", "nodes", "a", ""),
        ("get", "deployments", "coredns", "kube-system"),
        ("update", "deployments", "coredns", "kube-system"),
        ("update", "deployments/scale", "other", "kube-system"),
        ("update", "deployments/scale", "coredns", "default"),
        ("get", "configmaps", "other", "kube-system"),
        ("update", "configmaps", "dns-autoscaler", "kube-system"),
        ("list", "secrets", "", "kube-system"),
        ("list", "services", "", ""),
    ):
        assert not may(local_cluster, verb, resource, name, namespace), (verb, resource, name)


def test_its_parameters_are_those_of_the_linear_mode() -> None:
    """The names are those of `linear_controller.go`; what it does not know it refuses at its start."""
    linear = json.loads(the("ConfigMap")["data"]["linear"])
    assert set(linear) == {"coresPerReplica", "nodesPerReplica", "min", "max", "preventSinglePointFailure"}
    assert 0 < linear["min"] <= linear["max"]
    container = the("Deployment")["spec"]["template"]["spec"]["containers"][0]
    name, _, tag = container["image"].partition(":")
    assert name.endswith("/cluster-proportional-autoscaler")
    assert tag.replace(".", "").isdigit(), "pinned by a tag of a release, without a digest"
    assert "--target=deployment/coredns" in container["args"]
