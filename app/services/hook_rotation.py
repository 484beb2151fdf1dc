"""New addresses and new secrets for hooks, with a time in which the ones before are accepted too."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from app.auth.credentials import HOOK_SHOWN, digest, new_hook_token
from app.auth.seal import Sealer
from app.db import audit, hooks
from app.db.engine import Database
from app.domain import incoming
from app.domain.access import Principal
from app.domain.hook import OVERLAP, Hook, Outdated, Signing
from app.errors import Conflict, FieldError, InvalidInput
from app.services.hooks import NewSecrets, check_overlap, new_secret, own_hook, sealed_secret


class HookRotation:
    """At most two tokens and two secrets of a hook are accepted: replacing one again ends the older one."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def token(self, principal: Principal, hook_id: UUID, overlap: timedelta = OVERLAP) -> tuple[Hook, NewSecrets]:
        """A new token; the one before is accepted too for `overlap`. Raises as `secret`, but never `Conflict`."""
        _check(overlap)
        token = new_hook_token()
        async with self._database.transaction() as connection:
            hook = await own_hook(connection, principal, hook_id, lock=True)
            values = {"token_sha256": digest(token), "hint": token[:HOOK_SHOWN], **hooks.replaced_token(overlap)}
            await hooks.change(connection, hook.id, **values)
            await audit.record(
                connection, principal.name, "hook.rotate", f"hook/{hook.id}", overlap_s=overlap.total_seconds()
            )
            return await own_hook(connection, principal, hook_id), NewSecrets(token)

    async def secret(
        self, principal: Principal, hook_id: UUID, overlap: timedelta = OVERLAP, *, secret: str | None = None
    ) -> tuple[Hook, NewSecrets]:
        """The secret given, or a new one, which is told once; the one before is accepted too for `overlap`.

        Raises `NotFound`, `NotAllowed`, `InvalidInput`, and `Conflict` when deliveries are not signed.
        """
        _check(overlap)
        async with self._database.transaction() as connection:
            hook = await own_hook(connection, principal, hook_id, lock=True)
            if hook.signing is Signing.NONE:
                detail = "This hook has no secret: choose first how its deliveries are signed."
                raise Conflict(detail, code="hook_not_signed")
            if secret is not None and not incoming.fits(hook.signing, secret):
                detail = incoming.rule(hook.signing)
                raise InvalidInput(detail, errors=[FieldError("/secret", detail)])
            told = new_secret(hook.signing) if secret is None else None
            sealed = sealed_secret(self._sealer, hook.id, told or secret)
            await hooks.change(connection, hook.id, secret=sealed, **hooks.replaced_secret(overlap))
            await audit.record(
                connection, principal.name, "hook.rotate_secret", f"hook/{hook.id}", overlap_s=overlap.total_seconds()
            )
            return await own_hook(connection, principal, hook_id), NewSecrets(secret=told)

    async def end(self, principal: Principal, hook_id: UUID, which: Outdated) -> Hook:
        """The token or the secret before is not accepted any more from now on; nothing happens when there is none.

        Raises `NotFound` and `NotAllowed`.
        """
        ended = hooks.replaced_token if which is Outdated.TOKEN else hooks.replaced_secret
        async with self._database.transaction() as connection:
            hook = await own_hook(connection, principal, hook_id, lock=True)
            if (hook.old_until if which is Outdated.TOKEN else hook.old_secret_until) is None:
                return hook
            await hooks.change(connection, hook.id, **ended(timedelta()))
            await audit.record(connection, principal.name, f"hook.end_old_{which}", f"hook/{hook.id}")
            return await own_hook(connection, principal, hook_id)


def _check(overlap: timedelta) -> None:
    if errors := check_overlap(overlap):
        raise InvalidInput(errors[0].detail, errors=errors)
