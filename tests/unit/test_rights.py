"""deploy/rbac.yaml against what the code asks of the cluster: nothing is missing, and nothing is too much."""

from __future__ import annotations

import asyncio
import json
from typing import cast
from uuid import UUID

import pytest

from app.k8s import capacity, usage
from app.k8s.apply import Applier
from app.k8s.apply_endpoint import EndpointApplier
from app.k8s.client import KubeClient
from app.k8s.cluster import Cluster
from app.k8s.log_parser import Position
from app.k8s.logs import PodLog
from app.k8s.manifests import build
from app.k8s.manifests.endpoints.objects import namespace
from app.k8s.manifests.endpoints.serving import serving
from app.k8s.manifests.endpoints.tensorboard import tensorboard
from app.settings import Settings
from tests.support.asked import Asking, right_of
from tests.support.launches import launches
from tests.support.rights import ACCOUNT, Right, granted, manifests, missing
from tests.support.serving import places
from tests.unit.test_endpoint_manifests import PLACES

ID = UUID(int=1)
WATCHES = 8
BY_ORPHANS = {("list", "", "persistentvolumes"), ("delete", "", "persistentvolumes")}
"""`scheduler/orphans.py` needs a database to be asked; all else that it does is done by the appliers."""


@pytest.mark.parametrize(
    ("method", "path", "params", "expected"),
    [
        ("GET", "/version", {}, ("get", "", "/version")),
        ("GET", "/api/v1/namespaces", {}, ("list", "", "namespaces")),
        ("GET", "/api/v1/namespaces/a", {}, ("get", "", "namespaces")),
        ("GET", "/api/v1/namespaces/a/pods", {"watch": "true"}, ("watch", "", "pods")),
        ("GET", "/api/v1/namespaces/a/pods/b/log", {}, ("get", "", "pods/log")),
        ("PATCH", "/api/v1/namespaces/a/pods/b/status", {}, ("patch", "", "pods/status")),
        ("DELETE", "/apis/batch/v1/namespaces/a/jobs", {}, ("deletecollection", "batch", "jobs")),
        ("DELETE", "/apis/batch/v1/namespaces/a/jobs/b", {}, ("delete", "batch", "jobs")),
        ("POST", "/apis/batch/v1/namespaces/a/jobs?dryRun=All", {}, ("create", "batch", "jobs")),
    ],
)
def test_requests_are_named_as_the_api_server_does(
    method: str, path: str, params: dict[str, str], expected: Right
) -> None:
    assert right_of(method, path, params) == expected


async def test_the_rights_are_those_that_the_code_asks_for() -> None:
    asked = await everything_asked()
    assert asked - granted() == set(), "asked for, but not granted"
    assert granted() - asked == set(), "granted, but never asked for"


def test_only_what_was_no_right_counts_as_missing() -> None:
    def line(verb: str, what: dict[str, str] | None, user: str = ACCOUNT, decision: str = "forbid") -> bytes:
        event = {
            "verb": verb,
            "requestURI": "/somewhere",
            "user": {"username": user},
            "annotations": {"authorization.k8s.io/decision": decision},
        }
        return json.dumps(event | ({"objectRef": what} if what else {}), separators=(",", ":")).encode()

    log = b"\n".join(
        [
            line("get", {"resource": "pods", "subresource": "exec"}),
            line("delete", {"apiGroup": "batch", "resource": "jobs"}),
            line("get", {"resource": "pods", "subresource": "log"}),  # the API server had just started
            line("get", None),
            line("get", {"resource": "pods", "subresource": "exec"}, user="system:serviceaccount:default:default"),
            line("get", {"resource": "pods", "subresource": "exec"}, decision="allow"),
        ]
    )
    assert missing(log) == ["get /somewhere", "delete /somewhere", "get /somewhere"]


def test_the_rights_are_bound_to_the_account_that_is_made() -> None:
    (account, binding) = (
        next(one for one in manifests() if one["kind"] == kind) for kind in ("ServiceAccount", "ClusterRoleBinding")
    )
    where = account["metadata"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": where["name"], "namespace": where["namespace"]}]
    assert binding["roleRef"]["name"] in {one["metadata"]["name"] for one in manifests() if "Role" in one["kind"]}
    assert account["automountServiceAccountToken"] is False


async def everything_asked() -> set[Right]:
    """Each call of `app/k8s`, with every kind of object that there are golden files of."""
    asking = Asking()
    client = cast("KubeClient", asking)
    cluster = Cluster(client, "tests", lambda _: None)
    await _watch(cluster, asking)
    await _trainings(Applier(client, cluster.cache))
    await _endpoints(EndpointApplier(client, cluster.endpoints))
    await cluster.confirm_namespace("a")
    await cluster.confirm_endpoint_namespace("a")
    await cluster.confirm_jobs("a")
    await capacity.requested(client)
    await capacity.used(client)
    await usage.of_trainings(client, "tests")
    async for _ in PodLog(client, "a", "b", Position()).read():
        pass
    await KubeClient.check(cast("KubeClient", _Version(asking)))
    return asking.rights | BY_ORPHANS


async def _watch(cluster: Cluster, asking: Asking) -> None:
    running = asyncio.create_task(cluster.run())
    async with asyncio.timeout(10):
        while asking.streams < WATCHES or not (cluster.fresh and cluster.endpoints_fresh):
            await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def _trainings(applier: Applier) -> None:
    for launch in launches().values():
        made = build(launch)
        await applier.create_namespace(made.namespace)
        await applier.create_children(made)
    await applier.suspend_job("a", "worker", "u")
    await applier.fail_pod("a", "worker-0", "u", "Its node is lost.")
    await applier.force_delete_pod("a", "worker-0", "u")
    await applier.delete_namespace("a", "u")
    await applier.delete_jobs("a")
    await applier.delete_volumes(ID)


async def _endpoints(applier: EndpointApplier) -> None:
    wanted = [(place, serving(place)) for place in places().values()]
    wanted += [(place, tensorboard(place)) for place in PLACES.values()]
    for place, made in wanted:
        await applier.create_namespace(namespace(place))
        await applier.apply(made)
    await applier.delete_deployment("a", "canary", "u")
    await applier.delete_namespace("a", "u")
    await applier.delete_volumes(ID)


class _Version:
    """Enough of a client to be checked."""

    _settings = Settings(kube_context="tests")

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    async def get(self, path: str) -> bytes:
        await self._asking.get(path)
        return b'{"major": "1", "minor": "36"}'
