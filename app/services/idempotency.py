"""Doing a thing once however often it is asked for with the same key.

When a process dies in the middle, nobody can say whether it was done: the key stays taken for some minutes, longer
than any request lives, and whoever asks is told to look. After that the same request may be sent again with it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.db import idempotency
from app.db.engine import Database, OutcomeUnknown
from app.db.idempotency import KeyScope
from app.domain.access import Principal
from app.errors import Conflict, InvalidInput, TaasError


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, as it is sent and sent again."""

    status: int
    headers: dict[str, str]
    body: bytes


class IdempotencyService:
    """Keys are a person's own, for one route, for a day."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def once(
        self,
        principal: Principal,
        *,
        route: str,
        key: str,
        fingerprint: bytes,
        work: Callable[[], Awaitable[Answer]],
    ) -> tuple[Answer, bool]:
        """The answer, and whether it is one given before.

        Raises `Conflict` while the first request is under way, `InvalidInput` when the key was used for something
        else, and what `work` raises; after an error that says nothing was done, the key is free again.
        """
        scope = KeyScope(principal.user_id, route, key)
        async with self._database.transaction() as connection:
            claimed = await idempotency.claim(connection, scope, fingerprint)
        if claimed is None:
            return await self._earlier(scope, fingerprint), True
        try:
            answer = await work()
        except OutcomeUnknown:
            raise
        except TaasError:
            async with self._database.transaction() as connection:
                await idempotency.release(connection, scope, claimed)
            raise
        async with self._database.transaction() as connection:
            await idempotency.store(
                connection, scope, claimed, status=answer.status, headers=answer.headers, body=answer.body
            )
        return answer, False

    async def _earlier(self, scope: KeyScope, fingerprint: bytes) -> Answer:
        async with self._database.read() as connection:
            stored = await idempotency.find(connection, scope)
        if stored is not None and stored.fingerprint != fingerprint:
            raise InvalidInput(
                "This Idempotency-Key was used for a different request: use a new key for each new request.",
                code="idempotency_key_reused",
            )
        if stored is None or stored.status is None:
            minutes = int(idempotency.UNDER_WAY_FOR.total_seconds()) // 60
            raise Conflict(
                "The first request with this Idempotency-Key has not finished. Ask again; when it stays so, "
                f"look whether it took effect. After {minutes} minutes the key can be used for it once more.",
                code="idempotency_in_progress",
            )
        return Answer(stored.status, stored.headers, stored.body)
