"""Every object of a serving, judged by a real API server; routes by the Gateway API's own definitions."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from app.k8s.creating import path_of
from app.k8s.manifests.endpoints import Place
from app.k8s.manifests.endpoints.objects import namespace
from app.k8s.manifests.endpoints.serving import serving
from tests.support.cluster import LocalCluster
from tests.support.gateway_api import gateway_api
from tests.support.serving import places
from tests.support.waiting import wait_for

pytestmark = pytest.mark.cluster

STRICT = "?dryRun=All&fieldValidation=Strict"


@pytest.fixture
def walled(local_cluster: LocalCluster) -> Iterator[str]:
    """A namespace as a serving gets it."""
    manifest = copy.deepcopy(namespace(places()["balanced"]))
    manifest["metadata"]["name"] = name = f"serving-{uuid4().hex[:8]}"
    local_cluster.call("POST", path_of("Namespace"), manifest)
    try:
        wait_for(lambda: local_cluster.call("GET", f"/api/v1/namespaces/{name}/serviceaccounts")["items"])
        yield name
    finally:
        local_cluster.call("DELETE", f"{path_of('Namespace')}/{name}")


def judge(cluster: LocalCluster, place: Place, space: str) -> set[str]:
    """Have the API server look at every object, and at the pods of its Deployments; the kinds that it took."""
    made, kinds = serving(place), set()
    for manifest in (made.walls, *made.volumes, *made.inside):
        moved = copy.deepcopy(manifest)
        if "namespace" in moved["metadata"]:
            moved["metadata"]["namespace"] = space
        taken = cluster.call("POST", path_of(moved["kind"], space) + STRICT, moved)
        kinds.add(taken["kind"])
        if moved["kind"] == "Deployment":
            template = moved["spec"]["template"]
            pod: dict[str, Any] = {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "under-test", **template["metadata"]},
                "spec": template["spec"],
            }
            cluster.call("POST", f"/api/v1/namespaces/{space}/pods{STRICT}", pod)
    return kinds


def test_the_api_server_takes_what_balances_by_itself(local_cluster: LocalCluster, walled: str) -> None:
    kinds = judge(local_cluster, places()["canary"], walled)
    assert kinds >= {"Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler", "Secret"}


def test_the_api_server_takes_routes_of_a_gateway(local_cluster: LocalCluster, walled: str) -> None:
    with gateway_api(local_cluster):
        assert judge(local_cluster, places()["gateway"], walled) >= {"HTTPRoute", "GRPCRoute"}
        route = next(one for one in serving(places()["gateway"]).inside if one["kind"] == "HTTPRoute")
        wrong = copy.deepcopy(route)
        wrong["metadata"]["namespace"] = walled
        wrong["spec"]["rules"][0]["backendRefs"][0]["weight"] = -1
        with pytest.raises(Exception, match="weight"):
            local_cluster.call("POST", path_of("HTTPRoute", walled) + STRICT, wrong)
