"""The local Kubernetes for tests: the instance `test`, brought up once and shared by every session that runs now.

    from tests.support.cluster import LocalCluster   # fixture: `local_cluster`

`test-fake` is a second one, without a real node. Set TAAS_TEST_KEEP_CLUSTER=1 to leave them running at the end;
TAAS_TEST_CLUSTER gives them another name.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local import api, cluster, kwok, nodes, paths
from deploy.local.instance import Instance
from tests.support import rights

NAME = os.environ.get("TAAS_TEST_CLUSTER", "test")


@dataclass(frozen=True)
class LocalCluster:
    """What a test may know about the cluster, and do to it."""

    instance: Instance

    @property
    def name(self) -> str:
        return self.instance.name

    @property
    def kubeconfig(self) -> Path:
        return self.instance.kubeconfig

    @property
    def taas_kubeconfig(self) -> Path:
        """For TaaS itself, with no more than the rights of `deploy/rbac.yaml`; its context has the same name."""
        return rights.kubeconfig_of_taas(self.instance)

    @property
    def context(self) -> str:
        """The name of the kubeconfig's only context."""
        return f"taas-local-{self.name}"

    @property
    def node_name(self) -> str:
        """The real node; pods on fake nodes never run a program."""
        return self.instance.node_name

    def call(self, method: str, path: str, body: object = None) -> Any:
        """A raw request as the cluster's administrator, with the user agent `taas-local`."""
        return api.call(self.instance, method, path, body, timeout=30)

    def stop(self, component: str) -> None:
        """For example `kube-apiserver`: it stays down until `start`."""
        cluster.stop(self.name, component)

    def start(self, component: str) -> None:
        cluster.start(self.name, component)

    def with_image(self, which: str) -> str:
        """Have an image that is not there by default (`torch`); returns its reference."""
        return cluster.ensure_image(self.name, which)

    @contextmanager
    def with_metrics(self) -> Iterator[None]:
        """With metrics-server, which is not there by default, and its API available, for the length of the block."""
        cluster.up(self.name, metrics=True)
        try:
            yield
        finally:
            cluster.up(self.name, metrics=False)

    def fake_nodes(
        self,
        count: int,
        *,
        prefix: str = "fake",
        labels: dict[str, str] | None = None,
        taints: Iterable[str] = (),
        resources: dict[str, str] | None = None,
    ) -> list[str]:
        """Have exactly `count` fake nodes of this prefix (0 removes them); 32 cpu and 256Gi each unless told."""
        return nodes.ensure_fake_nodes(
            self.name,
            count,
            prefix=prefix,
            labels=labels,
            taints=[kwok.parse_taint(text) for text in taints],
            resources=resources,
        )

    def audit_mark(self) -> int:
        """Where the audit log ends now: what comes later is read with `audit_since`."""
        return self.instance.audit_log.stat().st_size

    def audit_since(self, mark: int, *, agent: str = "") -> list[dict[str, Any]]:
        """The requests finished since the mark, of user agents that begin with `agent`."""
        with self.instance.audit_log.open("rb") as log:
            log.seek(mark)
            events = [json.loads(line) for line in log if line.endswith(b"\n")]
        return [event for event in events if event.get("userAgent", "").startswith(agent)]

    def missing_rights_since(self, mark: int) -> list[str]:
        """What TaaS asked for since the mark without having the right to it."""
        with self.instance.audit_log.open("rb") as log:
            log.seek(mark)
            return rights.missing(log.read())


@contextmanager
def local_cluster_for_tests(*, node: bool = True) -> Iterator[LocalCluster]:
    """Up for as long as any test session uses it; the last one to leave takes it down.

    Without `node`, there is a control plane only, which is up in seconds: pods run on fake nodes or nowhere.
    """
    name = NAME if node else f"{NAME}-fake"
    with _users_lock(name) as leave:
        try:
            yield LocalCluster(cluster.up(name, node=node))
        finally:
            if os.environ.get("TAAS_TEST_KEEP_CLUSTER") != "1" and leave():
                cluster.down(name)


@contextmanager
def _users_lock(name: str) -> Iterator[Any]:
    file = paths.instances_root() / f".{name}.users"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)

        def is_last() -> bool:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        yield is_last
