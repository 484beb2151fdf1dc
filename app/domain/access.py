"""Who may do what. One function, one table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class UserRole(StrEnum):
    """What a person is in the installation."""

    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


class Action(StrEnum):
    """What may be asked for. `CHANGE` means edit, launch, stop or delete a thing that has an owner."""

    VIEW = "view"
    CREATE = "create"
    CHANGE = "change"
    ADMINISTER = "administer"


@dataclass(frozen=True, slots=True)
class Principal:
    """The person (or the token that acts for them) behind a request."""

    user_id: UUID
    name: str
    role: UserRole
    token_id: UUID | None = None


def can(principal: Principal, action: Action, *, owner_id: UUID | None = None) -> bool:
    """Whether `principal` may do `action` to a thing owned by `owner_id` (None: it has no owner).

    Viewers look; members also create, and change what is theirs; admins do everything.
    """
    if principal.role is UserRole.ADMIN or action is Action.VIEW:
        return True
    if principal.role is UserRole.VIEWER or action is Action.ADMINISTER:
        return False
    return action is Action.CREATE or owner_id == principal.user_id
