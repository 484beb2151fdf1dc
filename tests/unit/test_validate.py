"""Every rule of a project, and that its sentence names the field and what would be right."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.domain.project import Framework, ProjectSpec, Resources, Role, RunSpec, Success, Toleration
from app.domain.validate import check_params, check_project, check_run, default_success

GOOD = RunSpec(Framework.PLAIN, "registry.example.com/team/image:1", {"worker": Role()})
TF = replace(GOOD, framework=Framework.TENSORFLOW)
CHIEF = Success.CHIEF


def with_role(**settings: Any) -> RunSpec:
    return replace(GOOD, roles={"worker": Role(**settings)})


def with_resources(**settings: Any) -> RunSpec:
    return with_role(resources=Resources(**settings))


@pytest.mark.parametrize(
    "run",
    [
        GOOD,
        replace(TF, roles={"chief": Role(), "worker": Role(2), "ps": Role(), "evaluator": Role()}, success=CHIEF),
        replace(TF, roles={"chief": Role()}, success=CHIEF),
        replace(TF, roles={"worker": Role(4), "ps": Role(2)}, success=Success.WORKER_0),
        replace(GOOD, framework=Framework.PYTORCH, roles={"worker": Role(8)}),
        replace(GOOD, args=("--x", "", "{{ number }}", "é\n$"), env={"A": "b" * 1000}, secret_env=("KEY",)),
        with_role(count=1_000),
        with_resources(cpu="100m", cpu_limit="1", memory="8Gi", gpu=8, shm_size="8Gi", ephemeral_storage="1Ti"),
        with_role(node_selector={"example.com/disk": "ssd", "spot": ""}, tolerations=(Toleration(operator="Exists"),)),
        replace(GOOD, max_duration=timedelta(seconds=1), keep_namespace=timedelta(), stop_grace=timedelta()),
    ],
)
def test_what_is_allowed(run: RunSpec) -> None:
    assert check_run(run) == []


@pytest.mark.parametrize(
    ("run", "pointer", "words"),
    [
        (replace(GOOD, image=""), "/image", "Give an image reference"),
        (replace(GOOD, image="UPPER"), "/image", "Give an image reference"),
        (replace(GOOD, roles={}), "/roles", "at least one role"),
        (replace(GOOD, roles={"ps": Role(), "worker": Role()}), "/roles/ps", "With plain the only role is worker"),
        (replace(TF, roles={"a/b~": Role(), "worker": Role()}), "/roles/a~1b~0", "chief, worker, ps, evaluator"),
        (replace(TF, roles={"ps": Role()}), "/roles", "add the role worker or chief"),
        (replace(TF, roles={"chief": Role(2)}, success=CHIEF), "/roles/chief/count", "exactly 1"),
        (with_role(count=0), "/roles/worker/count", "use 1 to 5,000"),
        (with_role(count=5_001), "/roles/worker/count", "use 1 to 5,000"),
        (replace(TF, roles={"worker": Role(3_000), "ps": Role(2_001)}), "/roles", "at most 5,000"),
        (replace(GOOD, success=CHIEF), "/success", "There is no chief"),
        (replace(TF, roles={"chief": Role()}), "/success", "There is no worker"),
        (replace(TF, roles={"chief": Role(), "worker": Role()}), "/success", "never end by themselves"),
        (with_resources(cpu="0"), "/roles/worker/resources/cpu", "from 1m to 4096"),
        (with_resources(cpu="fast"), "/roles/worker/resources/cpu", "'fast' is not possible"),
        (with_resources(cpu="2", cpu_limit="1"), "/roles/worker/resources/cpu_limit", "below the request 2"),
        (with_resources(memory="1"), "/roles/worker/resources/memory", "from 16Mi to 64Ti"),
        (with_resources(memory="1Gi", shm_size="2Gi"), "/roles/worker/resources/shm_size", "It counts as memory"),
        (with_resources(ephemeral_storage="x"), "/roles/worker/resources/ephemeral_storage", "use a quantity"),
        (with_resources(gpu=-1), "/roles/worker/resources/gpu", "0 to 64"),
        (with_resources(gpu=65), "/roles/worker/resources/gpu", "0 to 64"),
        (with_role(node_selector={"a b": "c"}), "/roles/worker/node_selector/a b", "a label's key"),
        (with_role(node_selector={"x/y": "c d"}), "/roles/worker/node_selector/x~1y", "a label's value"),
        (with_role(tolerations=(Toleration(),)), "/roles/worker/tolerations/0/key", "Give the taint's key"),
        (with_role(tolerations=(Toleration("a", "In"),)), "/roles/worker/tolerations/0/operator", "Equal, Exists"),
        (with_role(tolerations=(Toleration("a", effect="No"),)), "/roles/worker/tolerations/0/effect", "NoExecute"),
        (with_role(tolerations=(Toleration("a", "Exists", "b"),)), "/roles/worker/tolerations/0/value", "no meaning"),
        (replace(GOOD, args=("ok", "{{ nope }}")), "/args/1", "nothing that can be filled in"),
        (replace(GOOD, args=("a\0b",)), "/args/0", "NUL"),
        (replace(GOOD, args=("x" * 130_000,)), "/args/0", "at most 122,880 bytes"),
        (replace(GOOD, args=("x" * 100_000,) * 3), "/args", "at most 262,144"),
        (replace(GOOD, args=("x",) * 501), "/args", "at most 500"),
        (replace(GOOD, env={"1A": ""}), "/env/1A", "no digit first"),
        (replace(GOOD, env={"TF_CONFIG": ""}), "/env/TF_CONFIG", "use another name"),
        (replace(GOOD, env={"A": "\0"}), "/env/A", "NUL"),
        (replace(GOOD, secret_env=("TAAS_X",)), "/secret_env/TAAS_X", "use another name"),
        (replace(GOOD, env={"A": ""}, secret_env=("A",)), "/secret_env/A", "keep it in one"),
        (replace(GOOD, env={"A": "x" * 130_000}), "/env/A", "make it smaller"),
        (replace(GOOD, env={f"A{n}": "x" * 120_000 for n in range(9)}), "/env", "at most 1,048,576"),
        (replace(GOOD, env={f"A{n}": "" for n in range(501)}), "/env", "more than 500"),
        (replace(GOOD, task_retries=-1), "/task_retries", "use 0 to 100"),
        (replace(GOOD, max_duration=timedelta()), "/max_duration", "Use 1 second to 366 days."),
        (replace(GOOD, pending_timeout=timedelta(days=31)), "/pending_timeout", "Use 1 second to 30 days."),
        (replace(GOOD, keep_namespace=timedelta(seconds=-1)), "/keep_namespace", "Use 0 to 30 days."),
        (replace(GOOD, stop_grace=timedelta(hours=2)), "/stop_grace", "Use 0 to 1 hour."),
    ],
)
def test_what_is_refused_is_named(run: RunSpec, pointer: str, words: str) -> None:
    errors = check_run(run)
    assert [error.pointer for error in errors] == [pointer]
    assert words in errors[0].detail
    assert errors[0].detail.endswith(".")


def test_everything_that_is_wrong_is_told_at_once() -> None:
    run = replace(GOOD, image="", task_retries=-1, args=("{{",))
    assert {error.pointer for error in check_run(run)} == {"/image", "/task_retries", "/args/0"}


def test_more_tasks_than_can_be_told_are_refused_before_launch() -> None:
    run = replace(TF, roles={"chief": Role(), "worker": Role(4_990)}, success=CHIEF)
    errors = check_run(run)
    assert [error.pointer for error in errors] == ["/roles"]
    assert "TF_CONFIG would be" in errors[0].detail


def test_the_running_limit_of_a_project() -> None:
    assert check_project(ProjectSpec("a", None, GOOD, running_limit=3)) == []
    assert [error.pointer for error in check_project(ProjectSpec("a", None, GOOD, running_limit=0))] == [
        "/running_limit"
    ]


def test_parameters_are_asked_for_and_named_properly() -> None:
    args = ("{{ params.rate }}", "{{ params.size }}")
    assert check_params(args, {"rate": "1", "size": "2", "extra": "3"}) == []
    errors = check_params(args, {"rate": "1", "a b": ""})
    assert {error.pointer for error in errors} == {"/params/size", "/params/a b"}


def test_values_may_not_make_the_arguments_too_long() -> None:
    errors = check_params(("{{ params.x }}{{ params.x }}",), {"x": "y" * 70_000})
    assert [error.pointer for error in errors] == ["/params"]
    assert check_params(("{{ params.x }}",), {"x": "y" * 70_000}) == []


def test_a_mistake_in_the_arguments_is_told_of_once() -> None:
    assert check_params(("{{ nope }}",), {}) == []


def test_the_default_rule_of_success() -> None:
    assert default_success(Framework.TENSORFLOW, {"chief": Role(), "worker": Role()}) is Success.CHIEF
    assert default_success(Framework.TENSORFLOW, {"worker": Role()}) is Success.ALL_WORKERS
    assert default_success(Framework.PLAIN, {"worker": Role()}) is Success.ALL_WORKERS
