"""The tests of this folder have a cluster of their own without a real node: they play what pods do, or need none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.cluster import LocalCluster, local_cluster_for_tests


@pytest.fixture(scope="session")
def local_cluster() -> Iterator[LocalCluster]:
    """With kwok for fake nodes, as long as there are any."""
    with local_cluster_for_tests(node=False) as running:
        yield running
