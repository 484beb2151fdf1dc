"""What people did: the rows that are kept with every change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Thing:
    """What an entry is about, as long as it is there. `key` is its name or id, `within` whose it is, if it matters."""

    kind: str
    key: str
    name: str
    within: str = ""

    @property
    def path(self) -> str:
        """The address of its page; of a token, its person's."""
        return _PAGES[self.kind].format(key=quote(self.key), within=quote(self.within))

    @property
    def title(self) -> str:
        return f"{self.name} of {self.within}" if self.within else self.name


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change. `action` is such as `project.update`, `object` such as `project/digits`."""

    id: UUID
    at: datetime
    actor: str
    action: str
    object: str
    detail: dict[str, Any]
    thing: Thing | None = None

    @property
    def object_name(self) -> str | None:
        return self.thing.title if self.thing else None

    @property
    def object_path(self) -> str | None:
        return self.thing.path if self.thing else None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries a list is of, each to the letter; None: all."""

    actor: str | None = None
    action: str | None = None
    object: str | None = None


_PAGES = {
    "algorithm": "/algorithms/{key}",
    "backfill": "/backfills/{key}",
    "hook": "/projects/{within}/hooks/{key}",
    "image": "/admin/images/{key}",
    "mail": "/notices/mail/{key}",
    "project": "/projects/{key}",
    "registry": "/admin/registries/{key}",
    "serving": "/servings/{key}",
    "storage": "/admin/storages/{key}",
    "tensorboard": "/tensorboards/{key}",
    "token": "/admin/users/{within}",
    "training": "/trainings/{key}",
    "user": "/admin/users/{key}",
    "webhook": "/notices/webhooks/{key}",
}
