"""Who may come into the host of an endpoint: a ticket from TaaS is exchanged there for a cookie of that host alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from app.auth.credentials import digest, new_session_secret
from app.db import endpoints, passes
from app.db.engine import Database
from app.domain.access import Action, Principal, can
from app.domain.endpoints.endpoint import Endpoint
from app.errors import NotAuthenticated
from app.services.accounts import AccountService

TICKET_LASTS = timedelta(seconds=60)
COOKIE_LASTS = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who may see an endpoint, and the endpoint as it is."""

    viewer: Principal
    endpoint: Endpoint


class PassService:
    """Secrets are told once and kept as digests."""

    def __init__(self, database: Database, accounts: AccountService) -> None:
        self._database = database
        self._accounts = accounts

    async def ticket(self, session: str, endpoint_id: UUID) -> str:
        """A ticket for one entry, soon. Raises `NotAuthenticated` when the session is over."""
        secret = new_session_secret()
        async with self._database.transaction() as connection:
            made = await passes.add_ticket(
                connection, digest(secret), endpoint_id=endpoint_id, session=digest(session), lasts=TICKET_LASTS
            )
        if not made:
            raise NotAuthenticated("Your session is over. Log in again.")
        return secret

    async def enter(self, ticket: str, endpoint_id: UUID) -> str | None:
        """The cookie for a ticket; None when the ticket is used up, too old, or of another endpoint."""
        secret = new_session_secret()
        async with self._database.transaction() as connection:
            entered = await passes.exchange(
                connection, digest(ticket), digest(secret), endpoint_id=endpoint_id, lasts=COOKIE_LASTS
            )
        return secret if entered else None

    async def endpoint(self, endpoint_id: UUID) -> Endpoint | None:
        """Whether there is one, before it is known who asks."""
        async with self._database.read() as connection:
            return await endpoints.by_id(connection, endpoint_id)

    async def by_cookie(self, cookie: str, endpoint_id: UUID) -> Visit | None:
        """None when whoever holds it may not see the endpoint, or not any more."""
        async with self._database.read() as connection:
            viewer = await passes.holder(connection, digest(cookie), endpoint_id)
            found = await endpoints.by_id(connection, endpoint_id)
        return _visit(viewer, found)

    async def by_token(self, token: str, endpoint_id: UUID) -> Visit | None:
        """The same for a program with an API token."""
        try:
            viewer = await self._accounts.by_token(token)
        except NotAuthenticated:
            return None
        return _visit(viewer, await self.endpoint(endpoint_id))

    async def note_request(self, endpoint_id: UUID) -> None:
        """It was used just now."""
        async with self._database.transaction() as connection:
            await endpoints.note_request(connection, endpoint_id)


def _visit(viewer: Principal | None, endpoint: Endpoint | None) -> Visit | None:
    if viewer is None or endpoint is None or not can(viewer, Action.VIEW, owner_id=endpoint.owner_id):
        return None
    return Visit(viewer, endpoint)
