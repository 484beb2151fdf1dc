"""start.sh with real bash, as PID 1: what a task's container does from its first moment to its exit code."""

import gzip
import os
import re
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.termination import Termination, judge_log
from app.domain.training import LogVerdict
from tests.support.task_process import START_SH, Ended, Pod, pod_directories


@pytest.fixture
def pod() -> Iterator[Pod]:
    with pod_directories() as pod:
        yield pod


def assert_verified(ended: Ended) -> None:
    verdict = judge_log(ended.termination, ended.received)
    assert verdict == (LogVerdict.VERIFIED, 0), (ended.message, ended.received, ended.output[-2000:])


HOSTILE_ARGS = [
    "",
    " ",
    "two words",
    "'single' \"double\" `tick`",
    "$HOME ${PATH} $(id) $$ $1",
    "back\\slash \\n",
    "line one\nline two\n",
    "\ttab\r",
    "*",
    "-n",
    "--",
    "~",
    "&& exit 9; | > x",
    "Übergröße 训练 🚂",
    "{{ number }}",
]


def test_args_reach_run_sh_to_the_byte(pod: Pod) -> None:
    ended = pod.finish('for a in "$@"; do printf "%s\\0" "$a"; done', *HOSTILE_ARGS)
    assert ended.output == b"".join(arg.encode() + b"\0" for arg in HOSTILE_ARGS)
    assert ended.exit == 0
    assert_verified(ended)


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("true", 0),
        ("exit 3", 3),
        ("exit 255", 255),
        ("kill -s KILL $$", 137),
        ("kill -s TERM $$", 143),
        ("no-such", 127),
    ],
)
def test_exit_code_is_that_of_run_sh(pod: Pod, script: str, code: int) -> None:
    ended = pod.finish(script)
    assert ended.exit == code
    assert ended.termination is not None
    assert (ended.termination.phase, ended.termination.exit) == ("run", code)
    assert_verified(ended)


def test_environment_of_the_task(pod: Pod) -> None:
    pod.set_environment(
        "export TAAS_ROLE='worker'\n"
        'export TF_CONFIG=\'{"task":{"index":\'"$JOB_COMPLETION_INDEX"\'}}\'\n'
        'export SAID_ATTEMPT="$TAAS_ATTEMPT"\n'
    )
    script = (
        'echo "$TAAS_ROLE|$TF_CONFIG|$SAID_ATTEMPT|$TAAS_ATTEMPT|$USER|$PWD|${TAAS_FAILURE_COUNT-unset}"\n'
        'touch "$HOME/x" here /tmp/taas-x && rm /tmp/taas-x'
    )
    ended = pod.finish(
        script, env={"JOB_COMPLETION_INDEX": "7", "TAAS_FAILURE_COUNT": "1", "TAAS_IGNORED_FAILURE_COUNT": "1"}
    )
    assert ended.output.decode() == f'worker|{{"task":{{"index":7}}}}|3|3|taas|{pod.code}|unset\n'
    assert ended.exit == 0


@pytest.mark.parametrize("home", ["/proc/nowhere", "/"])
def test_a_home_that_cannot_be_written_is_replaced(pod: Pod, home: str) -> None:
    ended = pod.finish('[[ -w $HOME ]] && echo "$HOME"', env={"HOME": home})
    assert ended.output == b"/tmp/home\n"


def test_first_attempt(pod: Pod) -> None:
    assert pod.finish('echo "$TAAS_ATTEMPT"', env={"TAAS_FAILURE_COUNT": ""}).output == b"1\n"


def test_broken_environment_is_told(pod: Pod) -> None:
    pod.set_environment("export A='never closed\n")
    ended = pod.finish("echo ran")
    assert ended.exit == 1
    assert b"taas: the task's variables could not be set" in ended.output
    assert b"ran" not in ended.output
    assert ended.termination is not None
    assert ended.termination.phase == "setup"
    assert_verified(ended)


def test_code_in_several_parts(pod: Pod) -> None:
    data = os.urandom(300_000)
    (pod.source / "data.bin").write_bytes(data)
    (pod.source / "run.sh").write_text("cat data.bin")
    pod.pack(parts=12)
    with pod.start() as task:
        ended = task.end()
    assert ended.output == data
    assert_verified(ended)


def test_code_in_one_file_of_a_storage(pod: Pod) -> None:
    (pod.source / "run.sh").write_text("echo from the storage")
    pod.pack()
    bundle = (pod.run / "code.000").rename(pod.root / "on storage.tar.gz")
    with pod.start(env={"TAAS_BUNDLE": str(bundle)}) as task:
        assert task.end().output == b"from the storage\n"


def test_the_code_is_executable_and_writable(pod: Pod) -> None:
    tool = pod.source / "tools/tool"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho tool\n")
    tool.chmod(0o755)
    assert pod.finish("./tools/tool && echo more >tools/new && cat tools/new").output == b"tool\nmore\n"


def test_missing_run_sh(pod: Pod) -> None:
    (pod.source / "other.sh").write_text("")
    pod.pack()
    with pod.start() as task:
        ended = task.end()
    assert ended.exit == 127
    assert ended.output == b"taas: there is no run.sh at the root of the code\n"
    assert ended.termination is not None
    assert ended.termination.phase == "unpack"
    assert_verified(ended)


@pytest.mark.parametrize("damage", ["cut", "noise", "absent"])
def test_broken_archive(pod: Pod, damage: str) -> None:
    (pod.source / "run.sh").write_text("echo ran")
    (pod.source / "data").write_bytes(os.urandom(50_000))
    pod.pack()
    part = pod.run / "code.000"
    if damage == "cut":
        part.write_bytes(part.read_bytes()[:20_000])
    elif damage == "noise":
        part.write_bytes(b"this is no archive")
    else:
        part.unlink()
    with pod.start() as task:
        ended = task.end()
    assert ended.exit not in (0, 143)
    assert ended.output.endswith(b"taas: the code could not be unpacked\n")
    assert b"ran\n" not in ended.output
    assert ended.termination is not None
    assert (ended.termination.phase, ended.termination.exit) == ("unpack", ended.exit)
    assert_verified(ended)


MIXED = """
for i in {1..10}; do seq -f "out $i %g" 15000; seq -f "err $i %g" 15000 >&2; done
"""


def test_300_000_mixed_lines(pod: Pod) -> None:
    ended = pod.finish(MIXED)
    assert ended.received.lines == 300_000
    assert_verified(ended)


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("true", 0),
        ("printf x", 1),
        ("printf 'a\\nb'", 2),
        ("printf 'a\\r\\nb\\r\\r\\n\\r'", 2),
        ("printf '10%%\\r20%%\\r30%%\\n'", 1),
        ("printf '\\n\\n'", 2),
        ("printf '\\0'", 1),
        ("printf '\\xff\\xfe\\0\\n\\xc3'", 2),
        ("head -c 3000000 /dev/urandom | tee >(wc -l >&2)", None),
        ("head -c 1000000 /dev/zero", 1),
    ],
)
def test_digest_of_any_bytes(pod: Pod, script: str, lines: int | None) -> None:
    ended = pod.finish(script)
    assert ended.exit == 0
    assert lines in (None, ended.received.lines)
    assert_verified(ended)


def test_stdout_and_stderr_are_one_stream_in_order(pod: Pod) -> None:
    script = "for i in 1 2 3; do echo out $i; echo err $i >&2; echo dev $i >/dev/stderr; done"
    assert pod.finish(script).output.split(b"\n")[:3] == [b"out 1", b"err 1", b"dev 1"]


def test_output_arrives_while_the_task_runs(pod: Pod) -> None:
    (pod.source / "run.sh").write_text("echo early; read -r _ <gate; echo late")
    os.mkfifo(pod.code / "gate", 0o666)
    (pod.code / "gate").chmod(0o666)
    pod.pack()
    with pod.start() as task:
        task.read_until(b"early\n")
        assert task.message() == '{"v":1,"phase":"run"}\n'
        (pod.code / "gate").write_text("\n")
        assert task.end().output == b"early\nlate\n"


def test_sigterm_while_unpacking(pod: Pod) -> None:
    bundle = pod.root / "slow"
    os.mkfifo(bundle)
    bundle.chmod(0o644)
    with pod.start(env={"TAAS_BUNDLE": str(bundle)}) as task, bundle.open("wb") as writer:
        writer.write(b"\x1f\x8b")  # opened by the task: it is unpacking, and more never comes
        writer.flush()
        task.signal(signal.SIGTERM)
        ended = task.end()
    assert ended.exit == 143
    assert ended.output == b""
    assert ended.termination is not None
    assert (ended.termination.phase, ended.termination.exit) == ("unpack", 143)
    assert_verified(ended)


def test_sigterm_in_the_middle_of_a_big_bundle(pod: Pod) -> None:
    header = tarfile.TarInfo("blob")
    header.size = 2**31
    # gzip members one after the other are one stream: 2 GiB of zeros that take seconds to unpack, none to make
    zeros = gzip.compress(bytes(2**24)) * 2**7
    (pod.run / "code.000").write_bytes(gzip.compress(header.tobuf()) + zeros + gzip.compress(bytes(10240)))
    with pod.start() as task:
        while not (pod.code / "blob").exists():
            assert task.running()
        task.signal(signal.SIGTERM)
        ended = task.end()
    assert ended.exit == 143
    assert (pod.code / "blob").stat().st_size < 2**31
    assert ended.termination == Termination("unpack", 143, ended.received)


@pytest.mark.parametrize("steps", range(0, 3000, 250))
def test_sigterm_at_any_moment(pod: Pod, steps: int) -> None:
    (pod.source / "run.sh").write_text("exec sleep 1000")
    pod.pack()
    with pod.start() as task:
        while not task.message():
            assert task.running()
        for _ in range(steps):  # a spread over the first tens of milliseconds: setting up, unpacking, starting
            assert task.running()
        task.signal(signal.SIGTERM)
        ended = task.end()
    assert ended.exit == 143
    assert ended.output == b""
    assert not any(pod.tmp.iterdir())
    if ended.termination == Termination("setup", 143, None):
        return  # what carries the output was hit before it could shield itself: nothing is said that is not known
    assert_verified(ended)


def test_no_command_is_substituted() -> None:
    """A SIGTERM that comes while bash 5.2 parses a substitution is lost: one in some hundred, so no run shows it."""
    code = [line.partition(" #")[0] for line in START_SH.read_text().splitlines() if not line.startswith("#")]
    assert [line for line in code if re.search(r"\$\((?!\()|`|<\(", line)] == []


CHECKPOINT = """
import os, pathlib, signal, sys, time
def stop(*_):
    os.write(1, b"saving\\n")
    end = time.monotonic() + 1
    while time.monotonic() < end: pass
    pathlib.Path("checkpoint").write_text("saved")
    os.write(1, b"saved\\n")
    sys.exit(5)
signal.signal(signal.SIGTERM, stop)
os.write(1, b"ready\\n")
while True: signal.pause()
"""


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("python3 train.py", 143),
        ("exec python3 train.py", 5),
        ("python3 train.py & wait", 143),
        ("trap 'echo caught' TERM; python3 train.py; exit $?", 5),
        ("(setsid python3 train.py | (trap '' TERM; exec tee log))", 143),
        ("python3 train.py >log 2>&1 & until grep -q ready log; do :; done; echo ready; wait", 143),
    ],
)
def test_sigterm_waits_for_the_checkpoint_of_a_child(pod: Pod, script: str, code: int) -> None:
    (pod.source / "train.py").write_text(CHECKPOINT)
    (pod.source / "run.sh").write_text(script)
    pod.pack()
    with pod.start() as task:
        task.read_until(b"ready\n")
        task.signal(signal.SIGTERM)
        ended = task.end()
    assert (pod.code / "checkpoint").read_text() == "saved"
    assert ended.exit == code
    assert_verified(ended)


def test_a_child_that_ignores_sigterm_is_left_to_the_grace_period(pod: Pod) -> None:
    (pod.source / "run.sh").write_text(
        "(trap '' TERM; exec 5<>gate; echo ready; while :; do read -rt 0.2 -u 5; echo alive; done) & wait"
    )
    os.mkfifo(pod.code / "gate", 0o666)
    (pod.code / "gate").chmod(0o666)
    pod.pack()
    with pod.start() as task:
        task.read_until(b"ready\n")
        task.signal(signal.SIGTERM)
        task.read_until(b"alive\n" * 25)  # past every limit that a leftover has without SIGTERM
        task.signal(signal.SIGKILL)
        ended = task.end()
    assert ended.exit != 0
    assert ended.termination == Termination("run")


def test_leftovers_get_sigterm_after_a_normal_end(pod: Pod) -> None:
    ended = pod.finish(
        "(trap 'echo left; exit' TERM; exec 2>/dev/null; while :; do sleep 0.1; done) & echo done; exit 4"
    )
    assert ended.exit == 4
    assert ended.output == b"done\nleft\n"
    assert_verified(ended)


def test_leftovers_that_ignore_sigterm_are_killed_after_a_normal_end(pod: Pod) -> None:
    ended = pod.finish("(trap '' TERM; while :; do sleep 0.1; done) & setsid sleep 1000 & echo done")
    assert ended.exit == 0
    assert ended.output == b"done\n"
    assert_verified(ended)


def test_the_last_words_of_a_pipe_are_not_lost(pod: Pod) -> None:
    script = 'exec > >(while read -r l; do sleep 0.2; echo "- $l"; done); echo one; echo two; exit 6'
    ended = pod.finish(script, env={"TAAS_LINGER": "60"})
    assert ended.exit == 6
    assert ended.output == b"- one\n- two\n"
    assert_verified(ended)


def test_the_task_may_send_sigterm_to_everything_itself(pod: Pod) -> None:
    ended = pod.finish("kill -s TERM -- -1; echo after; exit 2")  # reaches neither the sender nor the log's carrier
    assert ended.exit == 2
    assert ended.output == b"after\n"
    assert_verified(ended)


def test_it_refuses_to_run_elsewhere() -> None:
    done = subprocess.run(["bash", START_SH], capture_output=True, timeout=30)
    assert done.returncode == 1
    assert done.stderr == b"taas: start.sh only runs as the first process of a container\n"


def test_it_is_valid_and_needs_only_the_named_tools() -> None:
    assert subprocess.run(["bash", "-n", START_SH]).returncode == 0
    assert len(Path(START_SH).read_bytes()) < 16_384
