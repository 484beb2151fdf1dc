from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.cluster import LocalCluster
from tests.support.lab import Lab, laboratory


@pytest.fixture(scope="module")
async def lab(local_cluster: LocalCluster) -> AsyncIterator[Lab]:
    """A server for the tests of a module, with short patience."""
    async with laboratory(local_cluster, TAAS_NODE_LOST_AFTER="PT3S", TAAS_EVALUATOR_GRACE="PT6S") as made:
        yield made
