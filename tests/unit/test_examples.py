"""The examples without their frameworks: what is uploaded, the start scripts, the checksum of the log.

That they train, and how well, is tested on the cluster (tests/acceptance).
"""

from __future__ import annotations

import ast
import hashlib
import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.api.schemas.params import params_of
from app.api.schemas.projects import ProjectIn
from app.domain.params import check_declared, check_given
from app.domain.project import Framework, ProjectSpec, Resources, Role, RunSpec, Success
from app.domain.validate import check_run
from tests.support.task_process import Ended, Pod, pod_directories

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
TRAINING = [name for name in NAMES if (EXAMPLES / name / "train.py").exists()]
CODE = sorted(EXAMPLES.glob("*/*.py"))


@pytest.fixture
def pod() -> Iterator[Pod]:
    with pod_directories() as made:
        yield made


def test_the_table_lists_every_example() -> None:
    table = (EXAMPLES / "README.md").read_text()
    assert [name for name in NAMES if f"| [{name}]({name}/) |" not in table] == []


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_plain_files_with_a_start_script(name: str) -> None:
    folder = EXAMPLES / name
    assert (folder / "README.md").is_file()
    assert (folder / "run.sh").read_text().startswith("#!/usr/bin/env bash\n")
    subprocess.run(["bash", "-n", folder / "run.sh"], check=True)
    assert not [path for path in folder.rglob("*") if path.is_symlink()]
    assert sum(path.stat().st_size for path in folder.rglob("*") if "__pycache__" not in path.parts) < 200_000


@pytest.mark.parametrize("name", NAMES)
def test_project_json_runs_the_algorithm_beside_it(name: str) -> None:
    project = json.loads((EXAMPLES / name / "project.json").read_text())
    roles = {
        role: Role(given["count"], Resources(cpu=given["resources"]["cpu"], memory=given["resources"]["memory"]))
        for role, given in project["roles"].items()
    }
    run = RunSpec(Framework(project["framework"]), "any/image:1", roles, success=Success(project["success"]))
    assert project["algorithm"] == name
    assert check_run(run) == []


@pytest.mark.parametrize("name", TRAINING)
def test_declared_parameters_are_what_the_program_takes(name: str) -> None:
    """The same names, kinds and defaults: a start without parameters runs as the program does by itself."""
    given = ProjectIn.model_validate_json((EXAMPLES / name / "project.json").read_bytes())
    declared, takes = params_of(given.params), arguments_of(EXAMPLES / name / "train.py")
    assert {(one.name, one.type.value, one.default) for one in declared} <= takes
    assert list(given.args) == [part for one in declared for part in (f"--{one.name}", f"{{{{ params.{one.name} }}}}")]
    assert [one.name for one in declared if not one.help] == []
    draft = given.draft(default_storage=True)
    spec = ProjectSpec(given.algorithm, None, replace(draft.run, image="any/image:1"), params=draft.params)
    assert check_declared(spec) == []
    assert check_given(spec, given.args, {}) == []


@pytest.mark.parametrize("name", [name for name in TRAINING if name != "digits-torch"])
def test_the_metric_is_one_that_the_program_writes(name: str) -> None:
    given = ProjectIn.model_validate_json((EXAMPLES / name / "project.json").read_bytes())
    assert given.metric is not None
    assert f'tf.summary.scalar("{given.metric.tag}"' in (EXAMPLES / name / "train.py").read_text()


@pytest.mark.parametrize("path", CODE, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_code_is_understood_by_the_python_of_the_images(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=(3, 11))


@pytest.mark.parametrize("name", ["digits.npz", "digits.py"])
def test_the_digits_are_the_same_everywhere(name: str) -> None:
    copies = {path.read_bytes() for path in EXAMPLES.glob(f"*/{name}")}
    assert len(copies) == 1


def test_hello_adds_up_to_pi(pod: Pod) -> None:
    ended = [run_example(pod, "hello", env={"TAAS_WORKER_HOSTS": "a,b,c", "TAAS_INDEX": str(i)}) for i in range(3)]
    shares = [float(line.split()[-1]) for end in ended for line in end.output.decode().splitlines() if "share" in line]
    assert [end.exit for end in ended] == [0, 0, 0]
    assert sum(shares) == pytest.approx(3.14159, abs=1e-5)


def test_hello_shows_its_arguments_and_fails_as_asked(pod: Pod) -> None:
    ended = run_example(pod, "hello", "a b", "--fail", "3", "--lines", "2")
    assert ended.exit == 3
    assert b"argument: a\\ b\n" in ended.output
    assert b"line 0\nline 1\n" in ended.output


def test_a_stopped_hello_says_good_bye(pod: Pod) -> None:
    copy_example(pod, "hello")
    with pod.start("--sleep", "600") as task:
        task.read_until(b"sleeping")
        task.signal(signal.SIGTERM)
        ended = task.end()
    assert ended.exit == 143
    assert ended.output.endswith(b"told to end (SIGTERM): good-bye\n")


@pytest.mark.parametrize(
    ("printed", "code"),
    [("plain\\n", 0), ("bar 10%\\rbar 20%\\nno end", 0), ("", 7), ("\\xff\\x00 bytes\\n", 1)],
)
def test_digits_ps_ends_its_log_with_the_checksum_of_all_before(pod: Pod, printed: str, code: int) -> None:
    copy_example(pod, "digits-ps")
    (pod.source / "train.py").write_text(f"import os, sys\nos.write(1, b'{printed}')\nsys.exit({code})\n")
    result = subprocess.run(["bash", pod.source / "run.sh"], stdout=subprocess.PIPE, check=False)
    assert result.returncode == code
    assert_checksum(result.stdout)


def test_digits_ps_puts_its_last_words_after_a_signal_under_the_checksum(pod: Pod) -> None:
    copy_example(pod, "digits-ps")
    (pod.source / "train.py").write_text(
        "import os, signal, sys\n"
        "def leave(*_):\n"
        "    print('checkpoint written', flush=True)\n"
        "    os._exit(143)\n"
        "signal.signal(signal.SIGTERM, leave)\n"
        "print('training', sys.argv[1:], flush=True)\n"
        "signal.pause()\n"
    )
    pod.pack()
    with pod.start("--epochs", "3") as task:
        task.read_until(b"training ['--epochs', '3']")
        task.signal(signal.SIGTERM)
        ended = task.end()
    assert ended.exit == 143
    assert b"checkpoint written\nlog sha256 (of 2 lines" in ended.output
    assert_checksum(ended.output)


def arguments_of(path: Path) -> set[tuple[str, str, str | None]]:
    """Name, kind and default of each `add_argument`."""
    kinds = {"int": "integer", "float": "number"}
    found = set()
    for call in ast.walk(ast.parse(path.read_text())):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "add_argument":
            more = {word.arg: ast.unparse(word.value) for word in call.keywords}
            found.add((ast.literal_eval(call.args[0]).lstrip("-"), kinds[more["type"]], more.get("default")))
    return found


def run_example(pod: Pod, name: str, *args: str, env: dict[str, str] | None = None) -> Ended:
    copy_example(pod, name)
    with pod.start(*args, env=env) as task:
        return task.end()


def copy_example(pod: Pod, name: str) -> None:
    shutil.copytree(EXAMPLES / name, pod.source, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    pod.pack()


def assert_checksum(log: bytes) -> None:
    lines = log.splitlines(keepends=True)
    before, last = b"".join(lines[:-1]), lines[-1].decode()
    counted = before.count(b"\n")
    assert last == f"log sha256 (of {counted} lines before this one): {hashlib.sha256(before).hexdigest()}\n"
