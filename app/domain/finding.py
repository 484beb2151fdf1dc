"""What is told about a version without refusing it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """The code of each finding."""

    CRLF_NORMALISED = "crlf_normalised"
    CRLF = "crlf"
    SYNTAX = "syntax_error"
    NO_SHEBANG = "missing_shebang"
    NOT_TEXT = "not_text"
    BYTE_ORDER_MARK = "byte_order_mark"
    LARGE_FILE = "large_file"
    LARGE_BUNDLE = "large_bundle"
    CASE = "case_only_difference"
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing noticed: where (`line` counts from 1), and a sentence with what to do."""

    rule: Rule
    path: str | None
    line: int | None
    message: str
