"""How the tasks of a training find each other: the variables that each of them is told.

Every task of a role sources the same `env.sh`; bash fills in what differs between them. All of it is decided here, so
that a training which cannot be told what it needs is refused before anything of it exists.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from app.domain.project import Framework, Role, RunSpec
from app.domain.training import TaskKey

SERVICE = "tasks"
TF_PORT = 2222
TORCH_PORT = 29500
VARIABLE_MAX = 120 * 1024
"""Bytes of `NAME=value`; Linux refuses to start a program with one of 128 KiB."""

_INDEX = "\0index\0"  # stands for the task's index until the text is quoted; no text from a person can hold a NUL


class TooMuchToTell(ValueError):
    """A variable would be too large; the message is a sentence for the person."""


@dataclass(frozen=True, slots=True)
class Told:
    """What tasks are told besides how they run: who they are, and where their directories are."""

    training: str
    project: str
    number: int
    scheduled_for: datetime | None = None
    log_dir: str = "/tmp/taas/logs"
    model_dir: str = "/tmp/taas/models"
    data_dir: str = "/tmp/taas/data"


def env_script(run: RunSpec, role: str, told: Told) -> str:
    """The `env.sh` of a role's tasks. Raises TooMuchToTell."""
    values = variables(run, role, told)
    for name, value in values.items():
        _check_size(name, value, run)
    lines = [f"export {name}={_quote(value)}" for name, value in values.items()]
    folders = " ".join(f'"${name}"' for name in ("TAAS_LOG_DIR", "TAAS_MODEL_DIR", "TAAS_DATA_DIR"))
    return "\n".join([*lines, f"mkdir -p -- {folders}", ""])


def variables(run: RunSpec, role: str, told: Told) -> dict[str, str]:
    """Name → value for a role's tasks, in the order they are set; a NUL-marked place is the task's index."""
    return {
        **dict(sorted(run.env.items())),
        "PYTHONUNBUFFERED": "1",
        "TAAS_ROLE": role,
        "TAAS_INDEX": _INDEX,
        "TAAS_TRAINING": told.training,
        "TAAS_PROJECT": told.project,
        "TAAS_NUMBER": str(told.number),
        "TAAS_SCHEDULED_FOR": rfc3339(told.scheduled_for) if told.scheduled_for else "",
        "TAAS_LOG_DIR": told.log_dir,
        "TAAS_MODEL_DIR": told.model_dir,
        "TAAS_DATA_DIR": told.data_dir,
        **{f"TAAS_{name.upper()}_HOSTS": ",".join(hosts(run, name)) for name in run.role_names},
        **_of_framework(run, role),
    }


def environment(run: RunSpec, task: TaskKey, told: Told) -> dict[str, str]:
    """What one task finds in its environment, name → value."""
    index = str(task.index)
    return {name: value.replace(_INDEX, index) for name, value in variables(run, task.role, told).items()}


def hosts(run: RunSpec, role: str) -> list[str]:
    """The addresses of a role's tasks in the order of their indexes: with TensorFlow's port where that is used."""
    port = f":{TF_PORT}" if run.framework is Framework.TENSORFLOW else ""
    return [f"{role}-{index}.{SERVICE}{port}" for index in range(run.roles[role].count)]


def tf_config(run: RunSpec, role: str) -> str:
    """TF_CONFIG for a role's tasks, with the NUL-marked index.

    The evaluator stands outside of the cluster. Where the full list would be too large, a worker of a
    parameter-server training without a chief is told the sparse form, which names only itself among the workers.
    """
    members = [name for name in run.role_names if name != "evaluator"]
    full = _tf_config({name: hosts(run, name) for name in members}, role)
    sparse_will_do = role == "worker" and "ps" in run.roles and "chief" not in run.roles
    if not sparse_will_do or _size("TF_CONFIG", full, run) <= VARIABLE_MAX:
        return full
    me = {_INDEX: f"worker-{_INDEX}.{SERVICE}:{TF_PORT}"}
    return _tf_config({name: me if name == role else hosts(run, name) for name in members}, role)


def rfc3339(moment: datetime) -> str:
    """A point in time in UTC, such as `2026-11-24T03:00:00Z`; fractions only where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _of_framework(run: RunSpec, role: str) -> dict[str, str]:
    match run.framework:
        case Framework.TENSORFLOW:
            return {"TF_CONFIG": tf_config(run, role)}
        case Framework.PYTORCH:
            return _torch(run.roles[role])
        case Framework.PLAIN:
            return {}


def _torch(role: Role) -> dict[str, str]:
    """torchrun reads PET_*; a script started without it reads the others, as one process on each task."""
    master = f"worker-0.{SERVICE}"
    return {
        "PET_NNODES": str(role.count),
        "PET_NPROC_PER_NODE": str(max(1, role.resources.gpu)),
        "PET_NODE_RANK": _INDEX,
        "PET_MASTER_ADDR": master,
        "PET_MASTER_PORT": str(TORCH_PORT),
        "MASTER_ADDR": master,
        "MASTER_PORT": str(TORCH_PORT),
        "RANK": _INDEX,
        "WORLD_SIZE": str(role.count),
    }


def _tf_config(cluster: Mapping[str, object], role: str) -> str:
    text = json.dumps({"cluster": cluster, "task": {"type": role, "index": 0}}, separators=(",", ":"))
    text = text.replace(json.dumps(_INDEX)[1:-1], _INDEX)
    return text.removesuffix("0}}") + _INDEX + "}}"


def _quote(value: str) -> str:
    """`value` for bash, to the byte, with the index filled in by bash."""
    return '"$JOB_COMPLETION_INDEX"'.join(_single(part) for part in value.split(_INDEX)) if value else "''"


def _single(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'" if text else ""


def _check_size(name: str, value: str, run: RunSpec) -> None:
    size = _size(name, value, run)
    if size > VARIABLE_MAX:
        cause, remedy = ("", "make it smaller") if name in run.env else (f" for {run.total_tasks:,} tasks", "use fewer")
        raise TooMuchToTell(
            f"{name} would be {size:,} bytes long{cause}, and a program cannot be given more than {VARIABLE_MAX:,} "
            f"bytes in one variable; {remedy}."
        )


def _size(name: str, value: str, run: RunSpec) -> int:
    longest = str(max(role.count for role in run.roles.values()))
    return len(name) + 1 + len(value.replace(_INDEX, longest).encode())
