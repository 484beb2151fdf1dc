"""How two processes share the tests: those of the one cluster in one process, the others beside them, file by file.

Most tests of the cluster wait for pods, so the machine has time for others meanwhile. Side by side they would take each
other's cluster down, and some stop its API server.
"""

from __future__ import annotations

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

CLUSTER = "tests/acceptance/"


class OneForTheCluster(LoadScopeScheduling):
    """Gives a process a whole file at a time, or all files of `CLUSTER`."""

    def _split_scope(self, nodeid: str) -> str:
        return CLUSTER if nodeid.startswith(CLUSTER) else nodeid.split("::", 1)[0]


def misplaced(items: list[pytest.Item]) -> list[str]:
    """Tests of the cluster that another process would run beside the cluster's."""
    return [item.nodeid for item in items if item.get_closest_marker("cluster") and not item.nodeid.startswith(CLUSTER)]
