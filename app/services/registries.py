"""Registries that need a login. Admins enter it; nobody reads the password back."""

from __future__ import annotations

from typing import Any

from app.auth.seal import Sealer
from app.db import audit, registries
from app.db.engine import Database
from app.db.ids import new_id
from app.domain import catalogue_rules as rules
from app.domain.access import Action, Principal
from app.domain.catalogue import Registry, RegistryUse
from app.domain.clock import Clock
from app.domain.paging import Page, PageRequest
from app.domain.places import registry_place
from app.errors import Conflict, FieldError, NotFound
from app.services.access import require
from app.services.known import known


class RegistryService:
    """At most one login per host."""

    def __init__(self, database: Database, clock: Clock, sealer: Sealer) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer

    async def create(self, principal: Principal, *, name: str, host: str, username: str, password: str) -> Registry:
        """Raises `NotAllowed`, `InvalidInput` and `Conflict`."""
        require(principal, Action.ADMINISTER)
        host = host.lower()
        rules.check(rules.name(name), rules.host(host), _username(username), _password(password))
        now = self._clock()
        registry = Registry(new_id(), name, host, username, now, now)
        sealed = self._sealer.seal(password, registry_place(registry.id))
        async with self._database.transaction() as connection:
            if not await registries.add(connection, registry, sealed):
                raise Conflict(f"There is a registry named {name} or one for {registry.host} already.")
            await audit.record(connection, principal.name, "registry.create", f"registry/{name}", host=registry.host)
        return registry

    async def page(self, principal: Principal, request: PageRequest) -> Page[Registry]:
        """All, by name."""
        async with self._database.read() as connection:
            return await registries.page(connection, request)

    async def get(self, principal: Principal, name: str) -> Registry:
        """Raises `NotFound`."""
        async with self._database.read() as connection:
            return known(await registries.by_name(connection, name), "registry", name)

    async def projects(self, principal: Principal, name: str, request: PageRequest) -> Page[RegistryUse]:
        """The projects whose image comes from the registry, by name. Raises `NotFound`."""
        async with self._database.read() as connection:
            registry = known(await registries.by_name(connection, name), "registry", name)
            return await registries.projects_of(connection, registry.host, request)

    async def change(
        self, principal: Principal, name: str, *, username: str | None = None, password: str | None = None
    ) -> Registry:
        """What is None stays. Raises `NotAllowed`, `NotFound` and `InvalidInput`."""
        require(principal, Action.ADMINISTER)
        rules.check(
            _username(username) if username is not None else None,
            _password(password) if password is not None else None,
        )
        async with self._database.transaction() as connection:
            registry = known(await registries.by_name(connection, name), "registry", name)
            values: dict[str, Any] = {} if username is None else {"username": username}
            if password is not None:
                values["password"] = self._sealer.seal(password, registry_place(registry.id))
            changed = await registries.change(connection, registry.id, **values)
            await audit.record(connection, principal.name, "registry.change", f"registry/{name}", fields=sorted(values))
        return changed

    async def delete(self, principal: Principal, name: str) -> None:
        """Trainings that start from now on pull without a login. Raises `NotAllowed` and `NotFound`."""
        require(principal, Action.ADMINISTER)
        async with self._database.transaction() as connection:
            if not await registries.remove(connection, name):
                raise NotFound(f"There is no registry named {name}.")
            await audit.record(connection, principal.name, "registry.delete", f"registry/{name}")


def _username(value: str) -> FieldError | None:
    return rules.text("/username", "The user name", value, longest=rules.USERNAME_MAX)


def _password(value: str) -> FieldError | None:
    return rules.text("/password", "The password", value, longest=rules.PASSWORD_MAX)
