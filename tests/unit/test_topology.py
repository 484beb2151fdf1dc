"""What each task is told, read back by a real bash."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from app.domain.project import Framework, Resources, Role, RunSpec
from app.domain.topology import Told, TooMuchToTell, env_script, hosts, rfc3339, tf_config

TOLD = Told(training="0199", project="digits", number=17)


def run_spec(framework: Framework = Framework.TENSORFLOW, env: dict[str, str] | None = None, **counts: int) -> RunSpec:
    return RunSpec(framework, "image", {role: Role(count) for role, count in counts.items()}, env=env or {})


def sourced(script: str, index: int, folder: Path) -> dict[str, str]:
    """The environment of a program that bash starts after it has sourced `script`."""
    text = script.replace("/tmp/taas", str(folder / "taas"))
    done = subprocess.run(
        ["bash", "-ec", 'source "$0"; exec env -0', "/dev/stdin"],
        input=text.encode(),
        env={"PATH": os.environ["PATH"], "JOB_COMPLETION_INDEX": str(index)},
        capture_output=True,
        check=True,
    )
    return dict(entry.split("=", 1) for entry in done.stdout.decode().rstrip("\0").split("\0"))


def test_a_parameter_server_training_is_told_its_cluster(tmp_path: Path) -> None:
    run = run_spec(chief=1, worker=2, ps=1, evaluator=1)
    cluster = {
        "chief": ["chief-0.tasks:2222"],
        "worker": ["worker-0.tasks:2222", "worker-1.tasks:2222"],
        "ps": ["ps-0.tasks:2222"],
    }
    for role, index in (("chief", 0), ("worker", 1), ("ps", 0), ("evaluator", 0)):
        told = sourced(env_script(run, role, TOLD), index, tmp_path)
        assert json.loads(told["TF_CONFIG"]) == {"cluster": cluster, "task": {"type": role, "index": index}}
        assert (told["TAAS_ROLE"], told["TAAS_INDEX"]) == (role, str(index))
        assert told["TAAS_WORKER_HOSTS"] == "worker-0.tasks:2222,worker-1.tasks:2222"
        assert told["TAAS_EVALUATOR_HOSTS"] == "evaluator-0.tasks:2222"
        assert told["PYTHONUNBUFFERED"] == "1"


def test_torchrun_and_plain_scripts_find_rank_zero(tmp_path: Path) -> None:
    run = RunSpec(Framework.PYTORCH, "image", {"worker": Role(3, Resources(gpu=2))})
    told = sourced(env_script(run, "worker", TOLD), 2, tmp_path)
    expected = {
        "PET_NNODES": "3",
        "PET_NPROC_PER_NODE": "2",
        "PET_NODE_RANK": "2",
        "PET_MASTER_ADDR": "worker-0.tasks",
        "PET_MASTER_PORT": "29500",
        "MASTER_ADDR": "worker-0.tasks",
        "MASTER_PORT": "29500",
        "RANK": "2",
        "WORLD_SIZE": "3",
        "TAAS_WORKER_HOSTS": "worker-0.tasks,worker-1.tasks,worker-2.tasks",
    }
    assert {name: told[name] for name in expected} == expected
    assert "TF_CONFIG" not in told


def test_a_plain_task_is_told_who_it_is_and_where_its_directories_are(tmp_path: Path) -> None:
    run = run_spec(Framework.PLAIN, worker=1)
    due = datetime(2026, 11, 24, 11, tzinfo=timezone(timedelta(hours=8)))
    told = Told("0199", "digits", 17, due, *(str(tmp_path / "it's" / name) for name in ("logs", "models", "data")))
    env = sourced(env_script(run, "worker", told), 0, tmp_path)
    assert env["TAAS_SCHEDULED_FOR"] == "2026-11-24T03:00:00Z"
    assert (env["TAAS_TRAINING"], env["TAAS_PROJECT"], env["TAAS_NUMBER"]) == ("0199", "digits", "17")
    for name in ("LOG", "MODEL", "DATA"):
        assert Path(env[f"TAAS_{name}_DIR"]).is_dir()
    assert not {"TF_CONFIG", "PET_NNODES", "RANK"} & env.keys()


HOSTILE = [
    "",
    "'",
    "it's",
    '"$HOME"',
    "$(date)",
    "`date`",
    "a\nb\n",
    "\\",
    "é — 世界 🙂",
    "$$",
    "! *",
    " x ",
    "\t",
    "-n",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_arrives_to_the_byte(value: str, tmp_path: Path) -> None:
    script = env_script(run_spec(Framework.PLAIN, {"GIVEN": value}, worker=1), "worker", TOLD)
    assert sourced(script, 0, tmp_path)["GIVEN"] == value


def test_what_taas_says_wins_over_what_the_project_says(tmp_path: Path) -> None:
    script = env_script(run_spec(Framework.PLAIN, {"TAAS_ROLE": "boss"}, worker=1), "worker", TOLD)
    assert sourced(script, 0, tmp_path)["TAAS_ROLE"] == "worker"


def test_a_thousand_tasks_fit() -> None:
    run = run_spec(worker=999, ps=1)
    assert len(tf_config(run, "worker")) < 25_000
    assert hosts(run, "worker")[998] == "worker-998.tasks:2222"


def test_beyond_the_limit_a_worker_is_told_the_sparse_form_or_refused() -> None:
    run = run_spec(worker=5_000, ps=2)
    config = tf_config(run, "worker").replace("\0index\0", "4999")
    assert json.loads(config) == {
        "cluster": {"worker": {"4999": "worker-4999.tasks:2222"}, "ps": ["ps-0.tasks:2222", "ps-1.tasks:2222"]},
        "task": {"type": "worker", "index": 4999},
    }
    assert "TAAS_WORKER_HOSTS" in env_script(run, "worker", TOLD)
    run_with_chief = run_spec(chief=1, worker=5_000, ps=2)
    with pytest.raises(TooMuchToTell, match=r"would be .* long for 5,003 tasks, .*; use fewer\."):
        env_script(run_with_chief, "chief", TOLD)


def test_a_large_variable_is_refused_with_its_name() -> None:
    run = run_spec(Framework.PLAIN, {"NOTES": "x" * 130_000}, worker=1)
    with pytest.raises(TooMuchToTell, match=r"NOTES would be 130,006 bytes long, .* make it smaller\."):
        env_script(run, "worker", TOLD)


def test_times_are_written_in_utc() -> None:
    assert rfc3339(datetime(2026, 1, 1, 12, tzinfo=UTC)) == "2026-01-01T12:00:00Z"
    assert rfc3339(datetime(2026, 1, 1, 12, microsecond=5000, tzinfo=UTC)) == "2026-01-01T12:00:00.005000Z"
