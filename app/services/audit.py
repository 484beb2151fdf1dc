"""The audit log, for admins to read."""

from __future__ import annotations

from dataclasses import replace

from app.db import audit, audit_things
from app.db.engine import Database
from app.domain.access import Action, Principal
from app.domain.audit import AuditEntry, AuditFilter
from app.domain.paging import Page, PageRequest
from app.services.access import require


class AuditService:
    """Entries are written by whoever makes a change, in the transaction of the change."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, principal: Principal, which: AuditFilter, request: PageRequest) -> Page[AuditEntry]:
        """The newest first, each with what it is about if that is still there. Raises `NotAllowed`."""
        require(principal, Action.ADMINISTER)
        async with self._database.read() as connection:
            found = await audit.page(connection, which, request)
            things = await audit_things.known(connection, {entry.object for entry in found.items})
        return Page(tuple(replace(entry, thing=things.get(entry.object)) for entry in found.items), found.next)
