"""The audit log, for admins to read."""

from __future__ import annotations

from app.db import audit
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
        """The newest first. Raises `NotAllowed`."""
        require(principal, Action.ADMINISTER)
        async with self._database.read() as connection:
            return await audit.page(connection, which, request)
