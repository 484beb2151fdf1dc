import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.termination import (
    LogDigest,
    LogSum,
    Termination,
    judge_log,
    parse_termination,
)
from app.domain.training import LogVerdict

SHA = "ab" * 32


def message(**fields: object) -> str:
    return json.dumps({"v": 1, "phase": "run", **fields})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            message(exit=3, lines=2, bytes=9, sha256=SHA),
            Termination(phase="run", exit=3, output=LogSum(2, 9, SHA)),
        ),
        (message(exit=0), Termination("run", 0)),
        (message(), Termination("run")),
        (
            message(phase="unpack", exit=143, lines=0, bytes=0, sha256=SHA),
            Termination("unpack", 143, LogSum(0, 0, SHA)),
        ),
        (message(exit=-1), Termination("run")),
        (message(exit=256), Termination("run")),
        (message(exit=True), Termination("run")),
        (message(exit=0, lines=-1, bytes=0, sha256=SHA), Termination("run", 0)),
        (message(exit=0, lines=1, bytes="1", sha256=SHA), Termination("run", 0)),
        (message(exit=0, lines=1, bytes=1, sha256=SHA + "a"), Termination("run", 0)),
        (message(phase="lunch", exit=0), None),
        (message(v=2, exit=0), None),
        ("[1]", None),
        ("", None),
        (None, None),
        ("error: my own words", None),
        ('{"v":1,"phase":"run"', None),
        ("[" * 4000, None),
    ],
)
def test_parse_termination(text: str | None, expected: Termination | None) -> None:
    assert parse_termination(text) == expected


@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"\r\n", b"\n", b"\r", b"a"])))
def test_digest_does_not_depend_on_how_the_output_is_cut(pieces: list[bytes]) -> None:
    digest = LogDigest()
    for piece in pieces:
        digest.update(piece)

    whole = b"".join(pieces).replace(b"\r", b"")
    if whole and not whole.endswith(b"\n"):
        whole += b"\n"
    assert digest.sum() == LogSum(whole.count(b"\n"), len(whole), hashlib.sha256(whole).hexdigest())


def test_a_sum_in_the_middle_does_not_change_the_end() -> None:
    digest, straight = LogDigest(), LogDigest()
    digest.update(b"half a ")
    digest.sum()
    digest.update(b"line\n")
    straight.update(b"half a line\n")
    assert digest.sum() == straight.sum()


@pytest.mark.parametrize(
    ("said", "received", "verdict"),
    [
        (None, LogSum(5, 50, SHA), (LogVerdict.UNVERIFIED, None)),
        (Termination("run"), LogSum(5, 50, SHA), (LogVerdict.UNVERIFIED, None)),
        (Termination("run", 0, LogSum(5, 50, SHA)), LogSum(5, 50, SHA), (LogVerdict.VERIFIED, 0)),
        (Termination("run", 0, LogSum(5, 50, SHA)), LogSum(3, 30, "cd" * 32), (LogVerdict.INCOMPLETE, 2)),
        (Termination("run", 0, LogSum(5, 50, SHA)), LogSum(5, 50, "cd" * 32), (LogVerdict.INCOMPLETE, 0)),
        (Termination("run", 0, LogSum(5, 50, SHA)), LogSum(6, 60, "cd" * 32), (LogVerdict.INCOMPLETE, 0)),
    ],
)
def test_judge_log(said: Termination | None, received: LogSum, verdict: tuple[LogVerdict, int | None]) -> None:
    assert judge_log(said, received) == verdict
