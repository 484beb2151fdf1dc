from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.cluster import LocalCluster
from tests.support.lab import Lab, laboratory


@pytest.fixture(scope="module")
async def lab(
    local_cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[Lab]:
    """A server for the tests of a module, with short patience; `LAB` in the module changes its settings."""
    home = tmp_path_factory.mktemp("lab", numbered=True)
    settings = {"TAAS_NODE_LOST_AFTER": "PT3S", "TAAS_EVALUATOR_GRACE": "PT6S", **getattr(request.module, "LAB", {})}
    async with laboratory(home, local_cluster, **settings) as made:
        yield made
