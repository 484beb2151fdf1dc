"""Storages: where trainings find data and leave logs and models. Each kind checks its own settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.db import audit, storages
from app.db.engine import Database
from app.db.ids import new_id
from app.domain import catalogue_rules as rules
from app.domain.access import Action, Principal
from app.domain.catalogue import Storage
from app.domain.clock import Clock
from app.domain.paging import Page, PageRequest
from app.errors import Conflict, FieldError, InvalidInput
from app.k8s.manifests.storages import KINDS, StorageKind
from app.services.access import require
from app.services.known import known


class StorageService:
    """A storage's name and kind never change; its settings may, for trainings that start from then on."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(
        self, principal: Principal, *, name: str, kind: str, config: Mapping[str, Any], is_default: bool = False
    ) -> Storage:
        """A new default takes the place of the old one. Raises `NotAllowed`, `InvalidInput` and `Conflict`."""
        require(principal, Action.ADMINISTER)
        rules.check(rules.name(name))
        _check(kind, config)
        now = self._clock()
        storage = Storage(new_id(), name, kind, dict(config), is_default, now, now)
        async with self._database.transaction() as connection:
            if is_default:
                await storages.clear_default(connection)
            if not await storages.add(connection, storage):
                raise Conflict(f"There is a storage named {name} already: choose another name.")
            await audit.record(connection, principal.name, "storage.create", f"storage/{name}", kind=kind)
        return storage

    async def page(self, principal: Principal, request: PageRequest) -> Page[Storage]:
        """All, by name."""
        async with self._database.read() as connection:
            return await storages.page(connection, request)

    async def get(self, principal: Principal, name: str) -> Storage:
        """Raises `NotFound`."""
        async with self._database.read() as connection:
            return known(await storages.by_name(connection, name), "storage", name)

    def kinds(self) -> tuple[StorageKind, ...]:
        """What kinds there are, by name, with the settings each one has."""
        return tuple(KINDS[name] for name in sorted(KINDS))

    async def default(self) -> Storage | None:
        """What a new project is offered."""
        async with self._database.read() as connection:
            return await storages.default(connection)

    async def change(
        self,
        principal: Principal,
        name: str,
        *,
        config: Mapping[str, Any] | None = None,
        is_default: bool | None = None,
    ) -> Storage:
        """What is None stays. Raises `NotAllowed`, `NotFound` and `InvalidInput`."""
        require(principal, Action.ADMINISTER)
        given = {"config": dict(config) if config is not None else None, "is_default": is_default}
        values: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
        async with self._database.transaction() as connection:
            storage = known(await storages.by_name(connection, name), "storage", name)
            if config is not None:
                _check(storage.kind, config)
            if is_default:
                await storages.clear_default(connection)
            changed = await storages.change(connection, storage.id, **values)
            await audit.record(connection, principal.name, "storage.change", f"storage/{name}", fields=sorted(values))
        return changed

    async def delete(self, principal: Principal, name: str) -> None:
        """What lies on it stays. Raises `NotAllowed`, `NotFound` and `Conflict` (it is in use)."""
        require(principal, Action.ADMINISTER)
        async with self._database.transaction() as connection:
            storage = known(await storages.by_name(connection, name), "storage", name)
            if users := await storages.users_of(connection, name):
                raise Conflict(f"The storage {name} is in use by {', '.join(users)}: give them another one first.")
            await storages.remove(connection, storage.id)
            await audit.record(connection, principal.name, "storage.delete", f"storage/{name}")


def _check(kind: str, config: Mapping[str, Any]) -> None:
    known = KINDS.get(kind)
    if known is None:
        detail = f"There is no kind of storage named {kind!r}; there are {', '.join(sorted(KINDS))}."
        raise InvalidInput(detail, errors=[FieldError("/kind", detail)])
    if errors := known.check(config):
        pointed = [FieldError(f"/config{error.pointer}", error.detail) for error in errors]
        raise InvalidInput.of(pointed)
