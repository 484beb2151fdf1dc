"""The Gateway API's definitions, from its Go module: its version and checksum stand in `tests/data/gateway-api`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from deploy.local import paths, toolchain
from tests.support.cluster import LocalCluster
from tests.support.waiting import wait_for

MODULE = "sigs.k8s.io/gateway-api"
PINNED = Path(__file__).parent.parent / "data" / "gateway-api"
KINDS = ("gatewayclasses", "gateways", "httproutes", "grpcroutes")
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@contextmanager
def gateway_api(cluster: LocalCluster) -> Iterator[None]:
    """The cluster knows Gateways and routes for the length of the block. No controller acts on them."""
    wanted = [manifest for kind in KINDS for manifest in _manifests(kind)]
    for manifest in wanted:
        cluster.call("POST", _CRDS, manifest)
    try:
        wait_for(lambda: all(_served(cluster, manifest["metadata"]["name"]) for manifest in wanted))
        yield
    finally:
        for manifest in wanted:
            cluster.call("DELETE", f"{_CRDS}/{manifest['metadata']['name']}")


def _manifests(kind: str) -> list[dict[str, Any]]:
    (file,) = (_module() / "config/crd/standard").glob(f"*_{kind}.yaml")
    return [manifest for manifest in yaml.safe_load_all(file.read_text()) if manifest]


def _module() -> Path:
    environment = os.environ | {"GOMODCACHE": str(paths.cache_root() / "go-modules"), "GOFLAGS": "-modcacherw"}
    done = subprocess.run(
        [str(toolchain.find_go()), "mod", "download", "-json", MODULE],
        cwd=PINNED,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(json.loads(done.stdout)["Dir"])


def _served(cluster: LocalCluster, name: str) -> bool:
    conditions = cluster.call("GET", f"{_CRDS}/{name}").get("status", {}).get("conditions", [])
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)
