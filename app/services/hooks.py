"""Hooks: made, changed and revoked by whoever may change their project."""

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
from app.domain.hook import OVERLAP, OVERLAP_MAX, Hook, HookDelivery, ParamRule, Signing
from app.domain.mapping import check_rules
from app.domain.names import NAME, NAME_RULE
from app.domain.paging import Page, PageRequest
from app.domain.places import hook_place
from app.domain.project import Project
from app.domain.signatures import PREFIX
from app.errors import Conflict, FieldError, InvalidInput, NotAllowed, NotFound
from app.services.projects import may_change, unknown_project

HOOKS_MAX = 50


@dataclass(frozen=True, slots=True)
class NewSecrets:
    """What is told once and never again; None: it is not new."""

    token: str | None = None
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HookChange:
    """What is different; None: it stays. `secret` is for the way of signing that holds afterwards.

    When it takes the place of another of the same way, that one is accepted for `overlap` too. `unread` is what was
    written and could not be read: it is told with everything else that is wrong, and nothing is changed.
    """

    name: str | None = None
    signing: Signing | None = None
    secret: str | None = field(default=None, repr=False)
    rules: tuple[ParamRule, ...] | None = None
    enabled: bool | None = None
    overlap: timedelta = OVERLAP
    unread: tuple[FieldError, ...] = ()


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
        unread: Sequence[FieldError] = (),
    ) -> tuple[Hook, NewSecrets]:
        """The hook and its secrets. `unread` is as in a `HookChange`.

        Raises `NotFound`, `NotAllowed`, `InvalidInput` and `Conflict`.
        """
        _check(name=name, signing=signing, secret=secret, rules=rules, unread=unread)
        told = NewSecrets(new_hook_token(), new_secret(signing) if secret is None else None)
        async with self._database.transaction() as connection:
            project = await _project(connection, principal, project_name, lock=True)
            if await hooks.count(connection, project.id) >= HOOKS_MAX:
                raise Conflict(f"{project.name} has {HOOKS_MAX} hooks already: revoke one that is not used any more.")
            hook = self._hook(principal, project, name, signing, tuple(rules), told.token or "")
            signs = signing is not Signing.NONE
            sealed = sealed_secret(self._sealer, hook.id, told.secret or secret) if signs else None
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
            return await own_hook(connection, principal, hook_id)

    async def change(self, principal: Principal, hook_id: UUID, change: HookChange) -> tuple[Hook, NewSecrets]:
        """A new way of signing without a secret has one made, which is told once.

        Raises `NotFound`, `NotAllowed`, `InvalidInput` and `Conflict`.
        """
        told = NewSecrets()
        async with self._database.transaction() as connection:
            hook = await own_hook(connection, principal, hook_id, lock=True)
            signing = change.signing or hook.signing
            _check(
                name=change.name or hook.name,
                signing=signing,
                secret=change.secret,
                rules=change.rules or (),
                overlap=change.overlap,
                unread=change.unread,
            )
            values: dict[str, Any] = {
                key: value
                for key in ("name", "signing", "rules", "enabled")
                if (value := getattr(change, key)) is not None
            }
            fields = sorted({*values, *({"secret"} if change.secret is not None else ())})
            if signing is not hook.signing:  # what signed in another way is of no use to this one
                values |= {"secret": None, **hooks.replaced_secret(timedelta())}
            elif change.secret is not None:
                values |= hooks.replaced_secret(change.overlap)
            if change.secret is not None:
                values["secret"] = sealed_secret(self._sealer, hook.id, change.secret)
            elif signing is not hook.signing and signing is not Signing.NONE:
                told = replace(told, secret=new_secret(signing))
                values["secret"] = sealed_secret(self._sealer, hook.id, told.secret)
            if not await hooks.change(connection, hook.id, **values):
                raise _taken(hook.project, change.name or "")
            await audit.record(connection, principal.name, "hook.change", f"hook/{hook.id}", fields=fields)
            return await own_hook(connection, principal, hook_id), told

    async def revoke(self, principal: Principal, hook_id: UUID) -> None:
        """It and its deliveries are gone; trainings that it started stay. Raises `NotFound` and `NotAllowed`."""
        async with self._database.transaction() as connection:
            hook = await own_hook(connection, principal, hook_id, lock=True)
            await hooks.remove(connection, hook.id)
            await audit.record(connection, principal.name, "hook.revoke", f"hook/{hook.id}", project=hook.project)

    async def deliveries(self, principal: Principal, hook_id: UUID, request: PageRequest) -> Page[HookDelivery]:
        """The newest first. Raises `NotFound` and `NotAllowed`."""
        async with self._database.read() as connection:
            await own_hook(connection, principal, hook_id)
            return await hook_deliveries.page(connection, hook_id, request)

    async def delivery(self, principal: Principal, hook_id: UUID, delivery_id: UUID) -> HookDelivery:
        """Raises `NotFound` and `NotAllowed`."""
        async with self._database.read() as connection:
            await own_hook(connection, principal, hook_id)
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


async def _project(connection: AsyncConnection, principal: Principal, name: str, *, lock: bool = False) -> Project:
    project = await projects.by_name(connection, name, lock=lock)
    if project is None:
        raise unknown_project(name)
    may_change(principal, project)
    return project


async def own_hook(connection: AsyncConnection, principal: Principal, hook_id: UUID, *, lock: bool = False) -> Hook:
    """Raises `NotFound` and `NotAllowed`."""
    hook = await hooks.by_id(connection, hook_id, lock=lock)
    if hook is None:
        raise unknown_hook()
    if not can(principal, Action.CHANGE, owner_id=hook.owner_id):
        raise NotAllowed(f"{hook.project} belongs to {hook.owner}; its hooks are for them and for admins.")
    return hook


def sealed_secret(sealer: Sealer, hook_id: UUID, secret: str | None) -> bytes:
    return sealer.seal(secret or "", hook_place(hook_id))


def check_overlap(overlap: timedelta) -> list[FieldError]:
    """How long something that was replaced may be accepted too."""
    if timedelta() <= overlap <= OVERLAP_MAX:
        return []
    return [FieldError("/overlap", f"Choose PT0S (it ends at once) to P{OVERLAP_MAX.days}D.")]


def unknown_hook() -> NotFound:
    return NotFound("There is no such hook.")


def _check(
    *,
    name: str,
    signing: Signing,
    secret: str | None,
    rules: Sequence[ParamRule],
    overlap: timedelta = OVERLAP,
    unread: Sequence[FieldError] = (),
) -> None:
    errors = [*unread, *check_rules(rules), *check_overlap(overlap)]
    if not NAME.fullmatch(name):
        errors.append(FieldError("/name", f"{name!r} cannot be a hook's name; {NAME_RULE}."))
    if secret is not None and signing is Signing.NONE:
        errors.append(FieldError("/secret", "A secret is for signed deliveries: choose standard or github."))
    elif secret is not None and not incoming.fits(signing, secret):
        errors.append(FieldError("/secret", incoming.rule(signing)))
    if errors:
        raise InvalidInput.of(errors)


def new_secret(signing: Signing) -> str | None:
    """What to sign with in that way; None when nothing is signed."""
    if signing is Signing.NONE:
        return None
    if signing is Signing.STANDARD:
        return new_webhook_secret()
    return new_webhook_secret().removeprefix(PREFIX)


def _taken(project: str, name: str) -> Conflict:
    return Conflict(f"{project} has a hook named {name} already: choose another name.", code="name_taken")
