"""Lines that are found, however the log was cut into parts."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.log import LogPart
from app.domain.log_levels import Level
from app.domain.log_search import LogQuery
from app.errors import InvalidInput
from app.services.log_scan import LONGEST_LINE, Finder, Scan

START = datetime(2026, 11, 24, 3, tzinfo=UTC)


def scan(pieces: list[bytes], query: LogQuery, *, most: int = 10_000, first: int = 0) -> list[tuple[int, bytes]]:
    looking, found, offset, line = Scan(Finder(query), first), [], 0, 0
    part = LogPart(0, 0, 0, 0, START, START)
    for piece in pieces:
        part = LogPart(offset, len(piece), line, piece.count(b"\n"), START, START)
        found += looking.feed(part, piece, most - len(found))
        offset, line = part.end, part.end_line
    found += looking.rest(part, most - len(found)) if len(found) < most else []
    return [(hit.number, hit.data) for hit in found]


@given(st.lists(st.binary(max_size=20).map(lambda data: data.replace(b"x", b"\n").replace(b"y", b"a")), max_size=12))
def test_lines_are_found_wherever_they_were_cut(pieces: list[bytes]) -> None:
    lines = b"".join(pieces).split(b"\n")
    lines = lines if lines[-1] else lines[:-1]
    expected = [(number, line) for number, line in enumerate(lines) if b"a" in line]
    assert scan(pieces, LogQuery("a")) == expected


@pytest.mark.parametrize(
    ("pattern", "lines"),
    [
        ("loss: [0-9.]+$", [1]),
        ("^step", [0, 2]),
        ("", [0, 1, 2, 3]),
        ("x*", [0, 1, 2, 3]),
        ("ende.step", []),  # a match never goes over the end of a line
        ("ende[^a]step", []),
        (r"ende\s+step", []),
        ("é", [3]),
        (r"\.", [1]),
    ],
)
def test_a_pattern_looks_at_one_line_at_a_time(pattern: str, lines: list[int]) -> None:
    log = "step 1 ende\nloss: 0.1\nstep 2 ende\ncafé\n".encode()
    assert [number for number, _ in scan([log], LogQuery(pattern))] == lines


def test_capitals_may_be_ignored_and_levels_asked_for() -> None:
    log = b"ERROR x\nerror-free\nWARNING x\nINFO x\nplain x\nDEBUG x\n"
    assert [n for n, _ in scan([log], LogQuery("error", ignore_case=True))] == [0, 1]
    assert [n for n, _ in scan([log], LogQuery(level=Level.WARNING))] == [0, 2]
    assert [n for n, _ in scan([log], LogQuery(level=Level.INFO))] == [0, 1, 2, 3, 4]
    assert [n for n, _ in scan([log], LogQuery("x", level=Level.ERROR))] == [0]


def test_it_stops_at_the_most_and_goes_on_from_a_line() -> None:
    log = b"".join(b"line %d\n" % number for number in range(100))
    assert [n for n, _ in scan([log], LogQuery("line"), most=3, first=42)] == [42, 43, 44]


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)+$", r"(.*)*=", r"(x+x+)+y", r"^(\w+\s?)*$", ".*.*.*.*.*b"])
def test_no_pattern_is_slow(pattern: str) -> None:
    log = (b"a" * 5_000 + b" ! ") * 200 + b"\n"
    with pytest.raises(re.error):
        re.compile("(")  # the standard engine would be there, and would hang on these
    began = process_time()
    scan([log, b"x" * (LONGEST_LINE + 5), b"\n" + log], LogQuery(pattern))
    assert process_time() - began < 60


@pytest.mark.parametrize(
    "pattern", ["(", "a)(b", "[z-a]", "*", "(?P<n>", r"\1", "(?=x)", "a{2000}", "((a{900}){900}){900}", "\ud800"]
)
def test_what_is_no_pattern_is_refused_with_words(pattern: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Finder(LogQuery(pattern))
    assert refused.value.errors[0].pointer == "/pattern"
