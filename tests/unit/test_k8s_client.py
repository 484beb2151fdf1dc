"""What the client does before and after the wire: versions, the rate limit, back-off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes_asyncio.config import incluster_config

from app.errors import ClusterError
from app.k8s.client import KubeClient, Version, refuse_old
from app.k8s.config import configure
from app.k8s.limits import RateLimit
from app.settings import Settings


@pytest.mark.parametrize(("major", "minor", "fits"), [("1", "29", True), ("1", "36+", True), ("1", "28", False)])
def test_an_older_kubernetes_is_named_and_refused(major: str, minor: str, fits: bool) -> None:
    version = Version(major, minor, f"v{major}.{minor}.0")
    if fits:
        return refuse_old(version, "The context 'x'")
    with pytest.raises(ClusterError, match=r"The context 'x' runs Kubernetes v1\.28\.0, but TaaS needs 1\.29"):
        refuse_old(version, "The context 'x'")


async def test_no_cluster_is_used_unless_named() -> None:
    with pytest.raises(ClusterError, match="No cluster is named"):
        await configure(Settings(kube_context=None, in_cluster=False))


async def test_an_unknown_context_is_named(tmp_path) -> None:
    file = tmp_path / "config"
    file.write_text("apiVersion: v1\nkind: Config\ncontexts: []\nclusters: []\nusers: []\n")
    with pytest.raises(ClusterError, match="'nowhere'"):
        await configure(Settings(kube_context="nowhere", kubeconfig=file))


async def test_inside_a_cluster_the_account_of_the_pod_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Kubernetes mounts it, and again when the kubelet has renewed it."""
    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("first")
    authority.write_text("a certificate")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(authority))
    monkeypatch.setattr(incluster_config, "TOKEN_REFRESH_PERIOD", timedelta())
    with pytest.raises(ClusterError, match="The cluster that TaaS runs in cannot be used: Service host/port"):
        await configure(Settings(in_cluster=True))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    configuration = await configure(Settings(in_cluster=True))
    assert (configuration.host, configuration.ssl_ca_cert) == ("https://10.96.0.1:443", str(authority))
    assert await told_by(configuration) == "Bearer first"
    token.write_text("second")
    assert await told_by(configuration) == "Bearer second"


async def told_by(configuration: Any) -> str:
    """What a request says who it is from."""
    settings = await configuration.auth_settings()
    return str(settings["BearerToken"]["value"])


async def test_a_token_that_is_refused_is_read_again(tmp_path: Path) -> None:
    """So a new token in the kubeconfig needs no restart."""
    good = "first"

    async def answer(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {good}":
            return web.json_response({"message": "Unauthorized", "reason": "Unauthorized"}, status=401)
        return web.json_response({"major": "1", "minor": "36", "gitVersion": "v1.36.0"})

    file = tmp_path / "config"
    async with connected(file, web.get("/version", answer), token="first") as client:
        good = "second"
        with pytest.raises(ClusterError, match="Unauthorized"):
            await client.check()
        file.write_text(file.read_text().replace("first", "second"))
        await client.check()


@pytest.mark.parametrize(
    ("message", "calls"),
    [
        ('namespaces is forbidden: User "system:serviceaccount:taas:taas" cannot create resource "namespaces" in …', 2),
        ('namespaces "a" is forbidden: exceeded quota: few', 1),
    ],
)
async def test_an_api_server_that_has_not_read_its_roles_yet_is_asked_again(
    tmp_path: Path, message: str, calls: int
) -> None:
    """A refusal of the object itself is one at once."""
    asked = 0

    async def version(request: web.Request) -> web.Response:
        return web.json_response({"major": "1", "minor": "36"})

    async def create(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        if asked == 1:
            return web.json_response({"message": message, "reason": "Forbidden"}, status=403)
        return web.json_response({"kind": "Namespace"}, status=201)

    routes = web.get("/version", version), web.post("/api/v1/namespaces", create)
    async with connected(tmp_path / "config", *routes) as client:
        if calls == 1:
            with pytest.raises(ClusterError, match="exceeded quota"):
                await client.create("/api/v1/namespaces", {})
        else:
            await client.create("/api/v1/namespaces", {})
    assert asked == calls


@asynccontextmanager
async def connected(file: Path, *routes: web.RouteDef, token: str = "token") -> AsyncIterator[KubeClient]:
    """A client, by that kubeconfig, of a server with those routes."""
    app = web.Application()
    app.add_routes(routes)
    async with TestServer(app) as server:
        file.write_text(kubeconfig(str(server.make_url("")), token))
        client = await KubeClient.connect(Settings(kube_context="taas", kubeconfig=file))
        try:
            yield client
        finally:
            await client.close()


def kubeconfig(server: str, token: str) -> str:
    return f"""apiVersion: v1
kind: Config
current-context: taas
contexts: [{{name: taas, context: {{cluster: taas, user: taas}}}}]
clusters: [{{name: taas, cluster: {{server: "{server}"}}}}]
users: [{{name: taas, user: {{token: {token}}}}}]
"""


def test_the_rate_limit_gives_a_burst_then_a_steady_rate() -> None:
    now = [0.0]
    limit = RateLimit(qps=10, burst=3, clock=lambda: now[0])
    assert [limit.reserve() for _ in range(3)] == [0, 0, 0]
    assert [round(limit.reserve(), 3) for _ in range(3)] == [0.1, 0.2, 0.3]
    now[0] = 100.0
    assert [limit.reserve() for _ in range(3)] == [0, 0, 0]
    assert limit.reserve() == pytest.approx(0.1)


def test_what_can_wait_leaves_half_of_a_burst_to_the_others() -> None:
    now = [0.0]
    limit = RateLimit(qps=10, burst=4, clock=lambda: now[0])
    assert [limit.reserve_last() for _ in range(2)] == [0, 0]
    assert limit.reserve_last() == pytest.approx(0.05)  # 2 tokens are there, 2.5 are wanted
    assert [limit.reserve() for _ in range(2)] == [0, 0]
    assert limit.reserve() == pytest.approx(0.1)
    assert limit.reserve_last() == pytest.approx(0.35)  # and again once that is paid for
    now[0] = 0.2
    assert limit.reserve_last() == pytest.approx(0.15)
    now[0] = 0.4
    assert limit.reserve_last() == 0


async def test_what_can_wait_is_sent_in_the_end_and_in_its_order() -> None:
    limit = RateLimit(qps=1000, burst=2)
    sent: list[int] = []

    async def send(number: int) -> None:
        await limit.take_last()
        sent.append(number)

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(send(number))
    assert sent == list(range(20))
