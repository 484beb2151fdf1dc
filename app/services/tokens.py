"""API tokens: made, listed and revoked by the person they act for."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from app.auth.credentials import SHOWN, digest, new_api_token
from app.db import audit, tokens
from app.db.engine import Database
from app.db.ids import new_id
from app.domain.access import Principal
from app.domain.account import Token
from app.domain.clock import Clock
from app.domain.paging import Page, PageRequest
from app.errors import Conflict, NotFound


class TokenService:
    """A token may do whatever its person may do, until it expires or is revoked."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(self, principal: Principal, name: str, lifetime: timedelta | None) -> tuple[Token, str]:
        """The token and its secret, which nobody can see again. Raises `Conflict` when the name is in use."""
        secret = new_api_token()
        now = self._clock()
        token = Token(
            id=new_id(),
            name=name,
            prefix=secret[:SHOWN],
            created_at=now,
            expires_at=now + lifetime if lifetime else None,
            last_used_at=None,
        )
        async with self._database.transaction() as connection:
            if not await tokens.add(connection, token, user_id=principal.user_id, digest=digest(secret)):
                raise Conflict(f"You have a token named {name} already: choose another name, or revoke that one first.")
            await audit.record(connection, principal.name, "token.create", f"token/{token.id}", name=name)
        return token, secret

    async def page(self, principal: Principal, request: PageRequest) -> Page[Token]:
        """The person's own tokens, the newest first."""
        async with self._database.read() as connection:
            return await tokens.page(connection, principal.user_id, request)

    async def revoke(self, principal: Principal, token_id: UUID) -> None:
        """From the next request on the token is worth nothing. Raises `NotFound`."""
        async with self._database.transaction() as connection:
            if not await tokens.remove(connection, principal.user_id, token_id):
                raise NotFound("You have no such token.")
            await audit.record(connection, principal.name, "token.revoke", f"token/{token_id}")
