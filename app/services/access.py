"""The check that every change begins with."""

from __future__ import annotations

from uuid import UUID

from app.domain.access import Action, Principal, can
from app.errors import NotAllowed

_REFUSALS = {
    Action.ADMINISTER: "Only an admin may do this.",
    Action.CREATE: "Viewers may look but not create anything. Ask an admin for the role of a member.",
    Action.CHANGE: "Only the owner or an admin may change this.",
    Action.VIEW: "You may not see this.",
}


def require(principal: Principal, action: Action, *, owner_id: UUID | None = None) -> None:
    """Raises `NotAllowed` with a sentence unless the person may do it."""
    if not can(principal, action, owner_id=owner_id):
        raise NotAllowed(_REFUSALS[action])
