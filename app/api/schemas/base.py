"""What all bodies have in common."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    Strict,
)
from pydantic import model_validator as validator

from app.domain.names import NAME

# What a 4-byte column holds.
INT_MAX = 2**31 - 1
_CALENDAR = re.compile(r"[+-]?P[^T]*[YM]", re.I)
# As `domain.names.NAME`, anchored for JSON Schema.
NAME_PATTERN = f"^{NAME.pattern}$"
VISIBLE_ASCII = "^[!-~]+$"
NO_NUL = "^[^\\x00]*$"


class Input(BaseModel):
    """A body that somebody sends. Unknown fields are refused, and so is text that no database can hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @validator(mode="before")
    @classmethod
    def _storable(cls, data: Any) -> Any:
        for value in _texts(data):
            if "\0" in value:
                raise ValueError("must not contain a NUL character")
            if any("\ud800" <= character <= "\udfff" for character in value):
                raise ValueError("must be valid Unicode, without lone surrogates")
        return data


class Output(BaseModel):
    """A body that is sent; made from a domain value by its attributes."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=63,
        pattern=NAME_PATTERN,
        description="Letters, digits, `-`, `_` and `.`; begins and ends with a letter or digit.",
    ),
]


def _bounded(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than nothing, such as PT30M")
    if value > timedelta(days=3650):
        raise ValueError("must be at most ten years")
    return value


def iso_only(value: Any) -> Any:
    if isinstance(value, str) and _CALENDAR.match(value):
        # Pydantic would take a month for 30 days, where PT1M was meant or the first of each month.
        raise ValueError("must be in days, hours, minutes and seconds, such as P30D: months and years differ in length")
    if isinstance(value, str | timedelta):
        return value
    raise ValueError("must be an ISO 8601 duration such as PT30M")


# JSON's own types, where Pydantic would also take 0 for false and "3" for 3.
Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
# ISO 8601, more than nothing.
Duration = Annotated[timedelta, BeforeValidator(iso_only), AfterValidator(_bounded)]
Moment = Annotated[AwareDatetime, PlainSerializer(lambda value: _rfc3339(value), return_type=str, when_used="json")]


def _written_out(value: Any) -> Any:
    """Numbers and bare dates could be meant in more than one way."""
    if isinstance(value, datetime) or (isinstance(value, str) and "t" in value.lower()):
        return value
    raise ValueError("must be a time such as 2026-11-24T03:00:00Z")


MomentIn = Annotated[AwareDatetime, BeforeValidator(_written_out)]


def _rfc3339(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


def _texts(data: Any) -> list[str]:
    """Every string in it, keys too."""
    if isinstance(data, str):
        return [data]
    if isinstance(data, dict):
        return [text for pair in data.items() for part in pair for text in _texts(part)]
    if isinstance(data, list | tuple):
        return [text for part in data for text in _texts(part)]
    return []
