"""What of kubelet's answers is taken over, however they are cut and wherever a reading goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.domain.log import LogPiece
from app.k8s.log_parser import LONGEST_HELD, LogParser, Position

START = datetime(2026, 11, 24, 3, tzinfo=UTC)


def stamp(ns: int) -> str:
    moment = START + timedelta(seconds=ns // 10**9)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns % 10**9:09}Z"


def read(parser: LogParser, answer: bytes, cuts: list[int] | None = None, *, end: bool = True) -> list[LogPiece]:
    places = [0, *sorted(min(cut, len(answer)) for cut in cuts or []), len(answer)]
    pieces = [parser.feed(answer[a:b]) for a, b in pairwise(places)]
    if end:
        pieces.append(parser.end())
    return [piece for piece in pieces if piece]


def text(pieces: list[LogPiece]) -> bytes:
    return b"".join(piece.data for piece in pieces)


lines_with_times = st.lists(
    st.tuples(
        st.integers(0, 3) | st.integers(0, 2 * 10**9), st.binary(max_size=30).map(lambda b: b.replace(b"\n", b""))
    )
)


@given(lines_with_times, st.lists(st.integers(0, 400)), st.booleans())
def test_the_content_comes_back_whatever_the_cuts(steps: list[tuple[int, bytes]], cuts: list[int], ended: bool) -> None:
    answer, content = as_answer(steps, ended=ended)
    pieces = read(LogParser(Position()), answer, cuts)
    assert text(pieces) == content
    assert sum(piece.lines for piece in pieces) == content.count(b"\n")
    assert not any(piece.gap_before for piece in pieces)


@given(lines_with_times, st.integers(0, 600), st.integers(0, 600))
def test_a_reading_goes_on_where_another_was_cut(steps: list[tuple[int, bytes]], first: int, second: int) -> None:
    """Also when many lines bear the same time, and with what `sinceTime` gives: whole seconds."""
    answer, content = as_answer(steps, ended=True)
    got, position = b"", Position()
    for cut in (first, second, len(answer)):
        again = b"".join(
            line + b"\n"
            for line in answer.split(b"\n")[:-1]
            if position.since is None or line[:19].decode() >= position.since[:19]
        )
        parser = LogParser(position)
        pieces = read(parser, again[: cut if cut < len(answer) else len(again)], end=False)
        assert not any(piece.gap_before for piece in pieces)
        got += text(pieces)
        position = Position.parse(str(parser.position))
    assert got == content


def test_a_long_line_is_given_in_parts_and_gone_on_with_inside() -> None:
    long = bytes(range(32, 127)) * 5000
    answer = b"".join(f"{stamp(0)} ".encode() + line + b"\n" for line in (b"a", long, b"b"))
    first = LogParser(Position())
    begun = read(first, answer[:200_000], [65_536 * n for n in range(1, 4)], end=False)
    assert max(len(piece.data) for piece in begun) <= LONGEST_HELD + 65_536
    assert first.position.part > 0
    second = LogParser(first.position)
    rest = read(second, answer, [65_536 * n for n in range(1, 8)])
    assert text(begun) + text(rest) == b"a\n" + long + b"\nb\n"
    assert not rest[0].gap_before
    assert second.position == Position(stamp(0), 3)


def test_a_gap_is_told_when_the_line_to_go_on_from_is_not_there() -> None:
    answer = f"{stamp(5)} five\n{stamp(6)} six\n".encode()
    pieces = read(LogParser(Position(stamp(4), 1)), answer)
    assert (pieces[0].gap_before, text(pieces)) == (True, b"five\nsix\n")
    broken = read(LogParser(Position(stamp(4), 0, 10)), answer)
    assert (broken[0].gap_before, text(broken)) == (True, b"\nfive\nsix\n")
    fewer = read(LogParser(Position(stamp(5), 2)), answer)
    assert (fewer[0].gap_before, text(fewer)) == (True, b"six\n")


def test_nothing_new_is_no_gap() -> None:
    assert read(LogParser(Position(stamp(6), 1)), f"{stamp(6)} six\n".encode()) == []


def test_an_answer_that_begins_again_gives_nothing_twice() -> None:
    """Kubelet opens the newest file once for each rotation it is told of, late or not."""
    first, second, third = (f"{stamp(n)} {n}\n" for n in (1, 2, 3))
    again = read(LogParser(Position()), (first + second + first + second + third + second + third).encode())
    assert text(again) == b"1\n2\n3\n"
    assert not any(piece.gap_before for piece in again)
    lost = read(LogParser(Position()), (second + first + third).encode(), [len(second)])
    assert (text(lost), [piece.gap_before for piece in lost]) == (b"2\n3\n", [False, True])


@given(lines_with_times, st.lists(st.integers(0, 400)), st.integers(0, 600), st.integers(0, 600))
def test_an_answer_that_begins_again_anywhere(steps: list[tuple[int, bytes]], cuts: list[int], a: int, b: int) -> None:
    steps = [(step + 1, line) for step, line in steps]  # no two with one stamp
    answer, content = as_answer(steps, ended=True)
    lines = [line + b"\n" for line in answer.split(b"\n")[:-1]]
    end = min(max(a, b), len(lines))
    assume(end != 1)  # of one line alone nobody can tell whether it is there twice
    start = min(a, b, max(0, end - 2))
    assert text(read(LogParser(Position()), b"".join([*lines[:end], *lines[start:]]), cuts)) == content


@pytest.mark.parametrize(
    "trouble",
    [
        "unable to retrieve container logs for containerd://0123",
        'rpc error: code = NotFound desc = an error occurred when try to find container "0123": not found',
        "2026-11-24 not a stamp",
    ],
)
def test_words_of_the_cluster_are_no_log(trouble: str) -> None:
    parser = LogParser(Position())
    assert text(read(parser, f"{stamp(1)} log\n{trouble}".encode())) == b"log\n"
    assert parser.trouble == trouble


def test_marks_say_when_a_line_was_written() -> None:
    answer = "".join(f"{stamp(n * 4_000_000)} {n}\n" for n in range(10)).encode()
    (piece,) = read(LogParser(Position()), answer)
    start = int(START.timestamp() * 1000)
    assert piece.marks == ((0, 0, start), (3, 6, start + 12), (5, 10, start + 20), (8, 16, start + 32))
    assert (piece.first_at, piece.last_at) == (START, START + timedelta(milliseconds=36))


def test_other_zones() -> None:
    parser = LogParser(Position())
    line = "2026-11-24T11:00:00.000000001+08:00 x\n"
    (piece,) = read(parser, line.encode())
    assert piece.first_at == START
    assert parser.position.since == "2026-11-24T11:00:00+08:00"


def as_answer(steps: list[tuple[int, bytes]], *, ended: bool) -> tuple[bytes, bytes]:
    now, answer, content = 0, b"", b""
    for step, line in steps:
        now += step
        answer += f"{stamp(now)} ".encode() + line + b"\n"
        content += line + b"\n"
    if not ended and content:
        answer, content = answer[:-1], content[:-1]
    return answer, content
