"""Instances of the local cluster run side by side, keep their data, and leave nothing behind."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import api, cgroups, cluster, instance, namespace, process
from deploy.local.instance import Instance
from tests.support.cluster import LocalCluster

pytestmark = [pytest.mark.cluster]
NAME = "spare"


@pytest.fixture(scope="module")
def kept() -> Iterator[None]:
    yield
    cluster.down(NAME, purge=True)


@pytest.fixture
def spare(kept: None) -> Instance:
    """A second instance, with a control plane only; what an earlier test broke is repaired."""
    return cluster.up(NAME, node=False)


def test_two_instances_run_side_by_side_and_know_nothing_of_each_other(local_cluster: LocalCluster, spare: Instance):
    api.call(spare, "POST", "/api/v1/namespaces", {"metadata": {"name": "only-here"}})
    assert not spare.addresses.network.overlaps(local_cluster.instance.addresses.network)
    with pytest.raises(api.ApiError) as missing:
        local_cluster.call("GET", "/api/v1/namespaces/only-here")
    assert missing.value.code == 404


def test_down_leaves_nothing_and_up_finds_everything(spare: Instance):
    api.call(spare, "POST", "/api/v1/namespaces", {"metadata": {"name": "kept"}})
    processes = [json.loads(file.read_text())["pid"] for file in spare.records.glob("*.json")]
    assert len(processes) == 5

    cluster.down(NAME)

    assert not [pid for pid in processes if Path(f"/proc/{pid}/root").exists()]
    assert not Path(f"/sys/class/net/{spare.addresses.link}").exists()
    assert spare.addresses.network not in instance.machine_routes()
    assert str(spare.directory) not in Path("/proc/self/mountinfo").read_text()
    assert cgroups.left(spare.cgroup) == []
    lines, healthy = cluster.status(NAME)
    assert (lines, healthy) == (["The local cluster 'spare' is down."], False)

    cluster.up(NAME)
    assert api.call(spare, "GET", "/api/v1/namespaces/kept")["status"]["phase"] == "Active"


def test_up_leaves_alone_what_runs_as_it_should(spare: Instance):
    def all_there_is() -> dict[str, tuple[int, str]]:
        paths = [*spare.records.glob("*.json"), *(spare.directory / "config").rglob("*.*")]
        return {str(path): (path.stat().st_mtime_ns, path.read_text()) for path in paths if path.is_file()}

    before = all_there_is()
    cluster.up(NAME)
    assert all_there_is() == before


def test_up_repairs_what_has_died(spare: Instance):
    record = process.recall(spare.records / "kube-scheduler.json")
    assert record is not None
    subprocess.run(["kill", "-KILL", str(record.pid)], check=True)
    lines, healthy = cluster.status(NAME)
    assert not healthy
    assert any(line.split()[0] == "kube-scheduler" and "running" not in line for line in lines)

    cluster.up(NAME)

    assert cluster.status(NAME)[1]


def test_the_command_brings_back_an_instance_that_was_killed_and_returns(spare: Instance):
    holder = namespace.holder_pid(spare)
    subprocess.run(["kill", "-KILL", str(holder)], check=True)
    command = [sys.executable, "-m", "deploy.local", "up", "--name", NAME]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=90, check=True
    )  # nothing keeps the pipes open
    assert done.stdout == f"{spare.kubeconfig}\n"
    assert cluster.status(NAME)[1]


def test_a_component_that_dies_at_its_start_is_reported_with_its_last_words(spare: Instance):
    cluster.stop(NAME, "kube-scheduler")
    credentials = spare.directory / "pki" / "scheduler.kubeconfig"
    kept = credentials.read_text()
    credentials.write_text("nonsense: [")
    try:
        with pytest.raises(RuntimeError, match=r"(?s)kube-scheduler ended at its start.*kube-scheduler\.log.*yaml"):
            cluster.start(NAME, "kube-scheduler")
    finally:
        credentials.write_text(kept)


def test_the_machines_kernel_settings_are_hidden_from_what_runs_inside(spare: Instance):
    setting = Path("/proc/sys/kernel/panic_on_oops")
    before = setting.read_text()
    holder = namespace.holder_pid(spare)
    assert holder is not None
    namespace.run(holder, ["sh", "-c", f"echo 77 > {setting}"])
    assert namespace.run(holder, ["cat", str(setting)]).strip() == "77"
    assert setting.read_text() == before
