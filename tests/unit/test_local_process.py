"""A process is known again by more than its id, and ended for certain."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import process

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen(["sleep", "60"])
    yield running
    running.kill()
    running.wait()


def test_a_recorded_process_is_recalled_and_ended(child: subprocess.Popen[bytes], tmp_path: Path):
    record = tmp_path / "one.json"
    process.remember(record, child.pid, ["sleep", "60"])
    recalled = process.recall(record)
    assert recalled is not None
    assert (recalled.pid, recalled.argv) == (child.pid, ["sleep", "60"])

    process.end(record, grace=5)

    assert child.wait(1) == -signal.SIGTERM
    assert not record.exists()


def test_one_that_does_not_listen_is_killed_after_the_grace(tmp_path: Path):
    deaf = subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE)
    assert deaf.stdout is not None
    assert deaf.stdout.readline() == b"ready\n"
    process.remember(tmp_path / "deaf.json", deaf.pid, ["deaf"])

    process.end(tmp_path / "deaf.json", grace=0.2)

    assert deaf.wait(1) == -signal.SIGKILL
    deaf.stdout.close()


@pytest.mark.parametrize("change", [{"started": 1}, {"boot": "another"}])
def test_another_process_with_the_same_id_is_left_alone(change, child: subprocess.Popen[bytes], tmp_path: Path):
    record = tmp_path / "one.json"
    process.remember(record, child.pid, ["sleep", "60"])
    record.write_text(json.dumps(json.loads(record.read_text()) | change))

    assert process.recall(record) is None
    process.end(record, grace=5)

    assert child.poll() is None


def test_a_zombie_is_not_alive(tmp_path: Path):
    child = subprocess.Popen(["sleep", "60"])
    process.remember(tmp_path / "one.json", child.pid, ["sleep"])
    process.end(tmp_path / "one.json", grace=5)  # nobody has waited for it yet
    process.remember(tmp_path / "one.json", child.pid, ["sleep"])
    assert process.recall(tmp_path / "one.json") is None
    child.wait()


@pytest.mark.parametrize("text", ["", "{", "{}", "[]"])
def test_a_half_written_record_is_none(text, tmp_path: Path):
    (tmp_path / "one.json").write_text(text)
    assert process.recall(tmp_path / "one.json") is None
