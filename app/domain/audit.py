"""What people did: the rows that are kept with every change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change. `action` is such as `project.update`, `object` such as `project/digits`."""

    id: UUID
    at: datetime
    actor: str
    action: str
    object: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries a list is of, each to the letter; None: all."""

    actor: str | None = None
    action: str | None = None
    object: str | None = None
