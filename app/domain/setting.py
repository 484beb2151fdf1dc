"""A setting in force, as an admin may see it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SettingSource(StrEnum):
    """Where a setting's value comes from."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"
    FILE = "file"
    START = "start"


@dataclass(frozen=True, slots=True)
class SettingInForce:
    """`name` is the environment variable; `value` None: not set. A secret's value is never part of it."""

    name: str
    value: str | None
    default: str | None
    source: SettingSource
    secret: bool
    description: str
