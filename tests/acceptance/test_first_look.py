"""`taas up --example`: a training without a click, its log on the terminal, and a restart in the middle of it."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from tests.support.cluster import LocalCluster
from tests.support.examples import EXAMPLES
from tests.support.taas import PYTHON_IMAGE, TaasProcess, home_for_taas, taas_up

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.fixture
def example(tmp_path: Path, local_cluster: LocalCluster) -> Path:
    """One task on the real node that takes its time."""
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLES / "hello", folder)
    project = json.loads((folder / "project.json").read_text())
    project["roles"]["worker"] |= {"count": 1, "node_selector": {"kubernetes.io/hostname": local_cluster.node_name}}
    project |= {"args": ["--sleep", "3000"], "keep_namespace": "PT0S"}
    (folder / "project.json").write_text(json.dumps(project))
    return folder


async def test_the_example_runs_on_while_taas_is_restarted(example: Path, local_cluster: LocalCluster) -> None:
    arguments = ("--example", str(example), "--image", f"plain={PYTHON_IMAGE}")
    with home_for_taas() as home:
        async with taas_up(home, local_cluster, *arguments) as first:
            await says(first, "worker-0 | task 0 of 1: my share of pi is 3.14159", within=180)
        assert "Log in at" in first.output
        assert "Still running in the cluster: hello 1." in first.output

        already = len(first.output)
        async with taas_up(home, local_cluster, *arguments) as second:
            await says(second, "worker-0 | task 0 of 1: my share of pi is 3.14159", after=already, within=180)
            async with second.client() as client:
                (training,) = (await client.get("trainings")).json()["items"]
                await client.post(f"trainings/{training['id']}/stop")
            await says(second, "stopped: ", after=already, within=180)
        again = second.output[already:]
        assert "worker-0 | told to end (SIGTERM): good-bye" in again
        assert "TaaS is at" in again
        assert "Log in at" not in again
        assert "Still running" not in again


async def says(process: TaasProcess, text: str, *, after: int = 0, within: float) -> None:
    """Wait until the terminal shows it."""
    async with asyncio.timeout(within):
        while text not in process.output[after:]:
            await asyncio.sleep(0.1)
