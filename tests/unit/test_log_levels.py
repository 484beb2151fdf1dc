"""What a line says of itself."""

from __future__ import annotations

from time import process_time

import pytest
import re2

from app.domain.log_levels import PATTERNS, Level, at_least, continues, level_of

LINES = [
    (b"WARNING:root:low disk", Level.WARNING),
    (b"ERROR: it broke", Level.ERROR),
    (b"error: it broke", Level.ERROR),
    (b"2026-11-24 03:00:00,123 - trainer.loop - ERROR - loss is NaN", Level.ERROR),
    (b"2026-11-24 03:00:00,123 INFO step 3", Level.INFO),
    (b"[2026-11-24 03:00:00] [WARNING] low disk", Level.WARNING),
    (b"2026-11-24T03:00:00.000Z debug polling", Level.DEBUG),
    (b"\x1b[31mERROR\x1b[0m red", Level.ERROR),
    (b"2026-11-24 03:00:00.123456: W tensorflow/core/x.cc:12] no AVX", Level.WARNING),
    (b"2026-11-24 03:00:00.123456: I tensorflow/core/x.cc:12] built", Level.INFO),
    (b"E0000 00:00:1763953200.1 17 cuda.cc:9] no device", Level.ERROR),
    (b"E1124 03:00:00.123456 17 cuda.cc:9] no device", Level.ERROR),
    (b"F1124 03:00:00.123456 17 cuda.cc:9] no device", Level.ERROR),
    (b"Traceback (most recent call last):", Level.ERROR),
    (b"ValueError: no such shape", Level.ERROR),
    (b"tensorflow.python.framework.errors_impl.InvalidArgumentError: x", Level.ERROR),
    (b"KeyboardInterrupt", Level.ERROR),
    (b"/app/train.py:17: UserWarning: old", Level.WARNING),
    (b'{"time": 1, "level": "error", "msg": "x"}', Level.ERROR),
    (b'{"severity":"WARNING","msg":"x"}', Level.WARNING),
    (b"INFO: no ERROR was found", Level.INFO),
    (b"step 12 loss 0.31", None),
    (b"epoch 3: validation error 0.2", None),
    (b"Errors are rare", None),
    (b"", None),
    (b"\xff\xfe\x00", None),
]


@pytest.mark.parametrize(("line", "level"), LINES)
def test_a_level_is_read_from_how_a_line_begins(line: bytes, level: Level | None) -> None:
    assert level_of(line) is level


def test_the_patterns_mean_the_same_to_the_engine_that_searches() -> None:
    for line, level in LINES:
        found = next((one for one, pattern in PATTERNS.items() if re2.search(b"(?m)" + pattern, line)), None)
        assert found is level, line


@pytest.mark.parametrize(
    ("line", "least", "shown"),
    [
        (b"ERROR x", Level.WARNING, True),
        (b"INFO x", Level.WARNING, False),
        (b"step 1", Level.INFO, True),
        (b"step 1", Level.WARNING, False),
        (b"DEBUG x", Level.INFO, False),
        (b"DEBUG x", Level.DEBUG, True),
    ],
)
def test_a_line_without_a_level_counts_as_information(line: bytes, least: Level, shown: bool) -> None:
    assert at_least(line, least) is shown


def test_indented_lines_go_on_with_what_was_said() -> None:
    assert continues(b'  File "train.py", line 3')
    assert not continues(b"step 1")
    assert not continues(b"   ")


@pytest.mark.parametrize(
    "line", [b"a.b " * 100, b"[[[[" * 100, b"1:" * 200, b"\x1b[1m" * 100, b"x" * 10**6, b"a-" * 200]
)
def test_no_line_takes_long_to_read(line: bytes) -> None:
    began = process_time()
    for _ in range(100):
        level_of(line)
    assert process_time() - began < 5  # it would be hours if the time grew with the square of a part of the line
