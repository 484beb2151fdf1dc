"""Real servers with their workers on the real cluster.

`taas`: one as people have it, with default images and a storage, for the session; `client` acts for its admin.
`lab`: one a module, for small scripts and short patience.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.support.cluster import LocalCluster
from tests.support.lab import Lab, laboratory
from tests.support.receiver import LOOPBACK
from tests.support.taas import PYTHON_IMAGE, TENSORFLOW_IMAGE, TaasProcess, home_for_taas, taas_up


@pytest.fixture(scope="session")
async def taas(local_cluster: LocalCluster) -> AsyncIterator[TaasProcess]:
    with home_for_taas() as home:
        async with taas_up(home, local_cluster) as process:
            async with process.client() as client:
                await _offer(client, local_cluster, process.home / "storage")
            yield process


@pytest.fixture
async def client(taas: TaasProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with taas.client() as opened:
        yield opened


@pytest.fixture
def storage(taas: TaasProcess) -> Path:
    """The node's directory that is the installation's default storage."""
    return taas.home / "storage"


@pytest.fixture(scope="module")
async def lab(local_cluster: LocalCluster) -> AsyncIterator[Lab]:
    """A server for the tests of a module, with short patience."""
    own_receivers = {"TAAS_WEBHOOK_ALLOWED_NETWORKS": LOOPBACK}
    async with laboratory(
        local_cluster, TAAS_NODE_LOST_AFTER="PT3S", TAAS_EVALUATOR_GRACE="PT6S", **own_receivers
    ) as made:
        yield made


async def _offer(client: httpx.AsyncClient, cluster: LocalCluster, storage: Path) -> None:
    """The images and the storage that projects get by default."""
    storage.mkdir()
    config = {"path": str(storage), "node": cluster.node_name, "taas_path": str(storage)}
    for path, body in (
        ("images", {"name": "python", "reference": PYTHON_IMAGE, "framework": "plain", "is_default": True}),
        (
            "images",
            {"name": "tensorflow", "reference": TENSORFLOW_IMAGE, "framework": "tensorflow", "is_default": True},
        ),
        ("storages", {"name": "default", "kind": "local", "config": config, "is_default": True}),
    ):
        answer = await client.post(path, json=body)
        assert answer.status_code == 201, answer.text
