"""What the client does before and after the wire: versions, the rate limit, back-off."""

from __future__ import annotations

import pytest

from app.errors import ClusterError
from app.k8s.client import Version, refuse_old
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


def test_the_rate_limit_gives_a_burst_then_a_steady_rate() -> None:
    now = [0.0]
    limit = RateLimit(qps=10, burst=3, clock=lambda: now[0])
    assert [limit.reserve() for _ in range(3)] == [0, 0, 0]
    assert [round(limit.reserve(), 3) for _ in range(3)] == [0.1, 0.2, 0.3]
    now[0] = 100.0
    assert [limit.reserve() for _ in range(3)] == [0, 0, 0]
    assert limit.reserve() == pytest.approx(0.1)
