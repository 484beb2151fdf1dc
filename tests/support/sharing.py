"""How processes share the tests: those of a cluster in one process, others beside them, file by file.

Most tests of a cluster wait for pods, so the machine has time for others meanwhile. Side by side on one cluster they
would take it down for each other, and some stop its API server: those of each cluster (a folder) stay together. With
two clusters, a third process has something to do all the time.
"""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

CLUSTERS = "tests/acceptance/"


class OneForACluster(LoadScopeScheduling):
    """Gives a process a whole file at a time, or all files of a folder of `CLUSTERS`."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return str(PurePosixPath(file).parent) if file.startswith(CLUSTERS) else file


def misplaced(items: list[pytest.Item]) -> list[str]:
    """Tests of a cluster that another process would run beside the cluster's."""
    return [
        item.nodeid for item in items if item.get_closest_marker("cluster") and not item.nodeid.startswith(CLUSTERS)
    ]


def of_one_name(items: list[pytest.Item]) -> list[str]:
    """Names that several tests have: xdist would run one of them and leave out the others without a word."""
    return [nodeid for nodeid, count in Counter(item.nodeid for item in items).items() if count > 1]
