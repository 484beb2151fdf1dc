"""Validation errors in sentences that name the field, what was wrong and what would be right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.api.schemas.base import NAME_PATTERN, NO_NUL, VISIBLE_ASCII
from app.domain.names import NAME_RULE

_SECRET = ("password", "secret", "token")
_LONGEST_ECHO = 60
_PATTERNS = {
    NO_NUL: "must not contain a NUL character",
    VISIBLE_ASCII: "must be of ASCII characters that can be seen, without spaces",
}
_COUNTED = {
    "string_too_short": "character",
    "string_too_long": "character",
    "too_short": "item",
    "too_long": "item",
}


def sentence(error: dict[str, Any]) -> str:
    """One of Pydantic's errors as a sentence."""
    location = error["loc"][1:]
    name = ".".join(str(part) for part in location) or "the body"
    kind = error["type"]
    context = error.get("ctx") or {}
    if kind == "missing":
        return f"{_start(name)} is required."
    if kind == "extra_forbidden":
        return f"{_start(name)} is not a field of this; check its spelling."
    if kind == "json_invalid":
        return f"The body is not valid JSON: {context.get('error', 'it cannot be read')}{_place(location)}."
    if not location and isinstance(error.get("input"), bytes):
        return "The body is not said to be JSON: send it with the header Content-Type: application/json."
    if context.get("pattern") == NAME_PATTERN:
        return f"{_start(name)} {error['input']!r} is not possible; {NAME_RULE}."
    wanted = _wanted(kind, context) or _pydantic_words(error["msg"])
    return f"{_start(name)} {wanted}{_echo(name, error.get('input'))}."


def _place(location: Sequence[int | str]) -> str:
    return f" at character {location[0] + 1:,}" if location and isinstance(location[0], int) else ""


def _start(name: str) -> str:
    return name[0].upper() + name[1:] if name.startswith("the ") else name


def _wanted(kind: str, context: dict[str, Any]) -> str | None:
    limits = {
        "greater_than_equal": "must be at least {ge}",
        "greater_than": "must be more than {gt}",
        "less_than_equal": "must be at most {le}",
        "less_than": "must be less than {lt}",
        "string_too_short": "must have at least {min_length}",
        "string_too_long": "must have at most {max_length}",
        "too_short": "must have at least {min_length}",
        "too_long": "must have at most {max_length}",
        "string_pattern_mismatch": "must match {pattern}",
        "enum": "must be one of {expected}",
        "literal_error": "must be one of {expected}",
        "uuid_parsing": "must be a UUID",
        "int_parsing": "must be a whole number",
        "int_from_float": "must be a whole number",
        "int_type": "must be a whole number",
        "int_parsing_size": "is too large a number",
        "float_parsing": "must be a number",
        "bool_parsing": "must be true or false",
        "bool_type": "must be true or false",
        "string_type": "must be a string",
        "dict_type": "must be an object",
        "model_attributes_type": "must be an object",
        "model_type": "must be an object",
        "list_type": "must be a list",
        "tuple_type": "must be a list",
        "datetime_parsing": "must be a time such as 2026-11-24T03:00:00Z",
        "datetime_from_date_parsing": "must be a time such as 2026-11-24T03:00:00Z",
        "timezone_aware": "must say its time zone, such as 2026-11-24T03:00:00Z",
        "time_delta_parsing": "must be an ISO 8601 duration such as PT30M",
        "time_delta_type": "must be an ISO 8601 duration such as PT30M",
    }
    if (pattern := context.get("pattern")) in _PATTERNS:
        return _PATTERNS[pattern]
    counted = _COUNTED.get(kind, "")
    shown = {name: _number(value, counted) for name, value in context.items()}
    return limits[kind].format(**shown) if kind in limits else None


def _number(value: Any, counted: str) -> str:
    """A limit as people read it; `counted`, such as `item`, is what there may be so many of."""
    if not isinstance(value, int):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return f"{value:,} {counted}{'' if value == 1 else 's'}" if counted else f"{value:,}"


def _pydantic_words(message: str) -> str:
    words = message.removeprefix("Value error, ").removeprefix("Assertion failed, ").rstrip(".")
    return words.replace("Input should", "should", 1).replace("Input is", "is", 1)


def _echo(name: str, value: Any) -> str:
    if any(word in name.lower() for word in _SECRET) or not isinstance(value, str | int | float):
        return ""
    shown = repr(value)
    return f", not {shown}" if len(shown) <= _LONGEST_ECHO else ""
