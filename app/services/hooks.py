"""Hooks: made, changed, rotated and revoked by whoever may change their project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.auth.credentials import HOOK_SHOWN, digest, new_hook_token, new_webhook_secret
from app.auth.seal import Sealer
from app.db import audit, hook_deliveries, hooks, projects
from app.db.engine import Database
from app.db.ids import new_id
from app.domain import incoming
from app.domain.access import Action, Principal, can
from app.domain.clock import Clock
from app.domain.hook import Hook, HookDelivery, ParamRule, Signing
from app.domain.mapping import check_rules
from app.domain.names import NAME, NAME_RULE
from app.domain.paging import Page, PageRequest
from app.domain.places import hook_place
from app.domain.project import Project
from app.domain.signatures import PREFIX
from app.errors import Conflict, FieldError, InvalidInput, NotAllowed, NotFound
from app.services.projects import may_change, unknown_project

HOOKS_MAX = 50
OVERLAP_MAX = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class NewSecrets:
    """What is told once and never again; None: it is not new."""

    token: str | None = None
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HookChange:
    """What is different; None: it stays. `secret` is for the way of signing that holds afterwards."""

    name: str | None = None
    signing: Signing | None = None
    secret: str | None = field(default=None, repr=False)
    rules: tuple[ParamRule, ...] | None = None
    enabled: bool | None = None


class HookService:
    """A hook and what it received are for its project's owner and for admins only: payloads may be confidential."""

    def __init__(self, database: Database, clock: Clock, sealer: Sealer) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer

    async def create(
        self,
        principal: Principal,
        project_name: str,
        *,
        name: str,
        signing: Signing = Signing.NONE,
        secret: str | None = None,
        rules: Sequence[ParamRule] = (),
    ) -> tuple[Hook, NewSecrets]:
        """The hook and its secrets. Raises `NotFound`, `NotAllowed`, `InvalidInput` and `Conflict`."""
        _check(name=name, signing=signing, secret=secret, rules=rules)
        told = NewSecrets(new_hook_token(), _new_secret(signing) if secret is None else None)
        async with self._database.transaction() as connection:
            project = await _project(connection, principal, project_name, lock=True)
            if await hooks.count(connection, project.id) >= HOOKS_MAX:
                raise Conflict(f"{project.name} has {HOOKS_MAX} hooks already: revoke one that is not used any more.")
            hook = self._hook(principal, project, name, signing, tuple(rules), told.token or "")
            sealed = self._sealed(hook.id, told.secret or secret) if signing is not Signing.NONE else None
            if not await hooks.add(connection, hook, token=digest(told.token or ""), secret=sealed):
                raise _taken(project.name, name)
            await audit.record(connection, principal.name, "hook.create", f"hook/{hook.id}", project=project.name)
        return hook, told

    async def page(self, principal: Principal, project_name: str, request: PageRequest) -> Page[Hook]:
        """A project's hooks, by name. Raises `NotFound` and `NotAllowed`."""
        async with self._database.read() as connection:
            project = await _project(connection, principal, project_name)
            return await hooks.page(connection, project.id, request)

    async def get(self, principal: Principal, hook_id: UUID) -> Hook:
        """Raises `NotFound` and `NotAllowed`."""
        async with self._database.read() as connection:
            return await _own(connection, principal, hook_id)

    async def change(self, principal: Principal, hook_id: UUID, change: HookChange) -> tuple[Hook, NewSecrets]:
        """A new way of signing without a secret has one made, which is told once.

        Raises `NotFound`, `NotAllowed`, `InvalidInput` and `Conflict`.
        """
        told = NewSecrets()
        async with self._database.transaction() as connection:
            hook = await _own(connection, principal, hook_id, lock=True)
            signing = change.signing or hook.signing
            _check(name=change.name or hook.name, signing=signing, secret=change.secret, rules=change.rules or ())
            values: dict[str, Any] = {
                key: value
                for key in ("name", "signing", "rules", "enabled")
                if (value := getattr(change, key)) is not None
            }
            if signing is Signing.NONE:
                values["secret"] = None
            elif change.secret is not None:
                values["secret"] = self._sealed(hook.id, change.secret)
            elif signing is not hook.signing:
                told = replace(told, secret=_new_secret(signing))
                values["secret"] = self._sealed(hook.id, told.secret)
            if not await hooks.change(connection, hook.id, **values):
                raise _taken(hook.project, change.name or "")
            await audit.record(connection, principal.name, "hook.change", f"hook/{hook.id}", fields=sorted(values))
            return await _own(connection, principal, hook_id), told

    async def rotate(self, principal: Principal, hook_id: UUID, overlap: timedelta | None) -> tuple[Hook, NewSecrets]:
        """A new token; the old one is dead at once, or after `overlap`. Raises `NotFound` and `NotAllowed`."""
        if overlap is not None and overlap > OVERLAP_MAX:
            detail = f"The old token may live on for at most {OVERLAP_MAX.days} days."
            raise InvalidInput(detail, errors=[FieldError("/overlap", detail)])
        token = new_hook_token()
        async with self._database.transaction() as connection:
            hook = await _own(connection, principal, hook_id, lock=True)
            until = await hooks.now(connection) + overlap if overlap else None
            await hooks.rotate(connection, hook.id, token=digest(token), hint=token[:HOOK_SHOWN], old_until=until)
            await audit.record(connection, principal.name, "hook.rotate", f"hook/{hook.id}")
            return await _own(connection, principal, hook_id), NewSecrets(token)

    async def revoke(self, principal: Principal, hook_id: UUID) -> None:
        """It and its deliveries are gone; trainings that it started stay. Raises `NotFound` and `NotAllowed`."""
        async with self._database.transaction() as connection:
            hook = await _own(connection, principal, hook_id, lock=True)
            await hooks.remove(connection, hook.id)
            await audit.record(connection, principal.name, "hook.revoke", f"hook/{hook.id}", project=hook.project)

    async def deliveries(self, principal: Principal, hook_id: UUID, request: PageRequest) -> Page[HookDelivery]:
        """The newest first. Raises `NotFound` and `NotAllowed`."""
        async with self._database.read() as connection:
            await _own(connection, principal, hook_id)
            return await hook_deliveries.page(connection, hook_id, request)

    async def delivery(self, principal: Principal, hook_id: UUID, delivery_id: UUID) -> HookDelivery:
        """Raises `NotFound` and `NotAllowed`."""
        async with self._database.read() as connection:
            await _own(connection, principal, hook_id)
            found = await hook_deliveries.by_id(connection, hook_id, delivery_id)
        if found is None:
            raise NotFound("This hook has no such delivery, or it is not kept any more.")
        return found

    def _hook(
        self,
        principal: Principal,
        project: Project,
        name: str,
        signing: Signing,
        rules: tuple[ParamRule, ...],
        token: str,
    ) -> Hook:
        now = self._clock()
        return Hook(
            id=new_id(),
            project_id=project.id,
            project=project.name,
            owner_id=project.owner_id,
            owner=project.owner,
            name=name,
            hint=token[:HOOK_SHOWN],
            signing=signing,
            rules=rules,
            enabled=True,
            created_by=principal.name,
            created_at=now,
            updated_at=now,
        )

    def _sealed(self, hook_id: UUID, secret: str | None) -> bytes:
        return self._sealer.seal(secret or "", hook_place(hook_id))


async def _project(connection: AsyncConnection, principal: Principal, name: str, *, lock: bool = False) -> Project:
    project = await projects.by_name(connection, name, lock=lock)
    if project is None:
        raise unknown_project(name)
    may_change(principal, project)
    return project


async def _own(connection: AsyncConnection, principal: Principal, hook_id: UUID, *, lock: bool = False) -> Hook:
    hook = await hooks.by_id(connection, hook_id, lock=lock)
    if hook is None:
        raise unknown_hook()
    if not can(principal, Action.CHANGE, owner_id=hook.owner_id):
        raise NotAllowed(f"{hook.project} belongs to {hook.owner}; its hooks are for them and for admins.")
    return hook


def unknown_hook() -> NotFound:
    return NotFound("There is no such hook.")


def _check(*, name: str, signing: Signing, secret: str | None, rules: Sequence[ParamRule]) -> None:
    errors = [*check_rules(rules)]
    if not NAME.fullmatch(name):
        errors.append(FieldError("/name", f"{name!r} cannot be a hook's name; {NAME_RULE}."))
    if secret is not None and signing is Signing.NONE:
        errors.append(FieldError("/secret", "A secret is for signed deliveries: choose standard or github."))
    elif secret is not None and not incoming.fits(signing, secret):
        errors.append(FieldError("/secret", incoming.rule(signing)))
    if errors:
        raise InvalidInput(" ".join(error.detail for error in errors[:3]), errors=errors)


def _new_secret(signing: Signing) -> str | None:
    if signing is Signing.NONE:
        return None
    if signing is Signing.STANDARD:
        return new_webhook_secret()
    return new_webhook_secret().removeprefix(PREFIX)


def _taken(project: str, name: str) -> Conflict:
    return Conflict(f"{project} has a hook named {name} already: choose another name.", code="name_taken")
