"""Algorithms: uploaded, looked at, described, deleted when nothing uses them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from app.db import algorithms, audit
from app.db.engine import Database
from app.domain.access import Action, Principal, can
from app.domain.algorithm import DESCRIPTION_MAX, Algorithm, Bundle, FileEntry, Version
from app.domain.bundle.limits import Limits
from app.domain.bundle.refusals import shown
from app.domain.finding import Finding
from app.domain.lint import lint
from app.domain.names import NAME, NAME_RULE
from app.domain.paging import Page, PageRequest
from app.errors import Conflict, FieldError, InvalidInput, NotAllowed, NotFound
from app.services.bash import syntax_problems
from app.services.bundles import BundleStore
from app.services.uploads import Form, Upload, received
from app.storage import ObjectStore

_USERS_NAMED = 5


@dataclass(frozen=True, slots=True)
class FileView:
    """A file of a version as a page shows it. `text` is None for what is not text; `cut` says that there is more."""

    entry: FileEntry
    text: str | None
    cut: bool


class AlgorithmService:
    """What people do with algorithms. `inline_max_bytes`: the largest packed bundle that needs no storage."""

    def __init__(
        self, database: Database, storage: ObjectStore, *, scratch: Path, limits: Limits, inline_max_bytes: int
    ) -> None:
        self._database = database
        self._scratch = scratch
        self._limits = limits
        self._inline_max_bytes = inline_max_bytes
        self.bundles = BundleStore(database, storage, scratch, limits)

    async def create(self, principal: Principal, upload: Upload) -> tuple[Algorithm, Version]:
        """A new algorithm from a form with `name`, `description` and its first version's files.

        Raises `Conflict` when the name is taken, and whatever refuses an upload.
        """
        if not can(principal, Action.CREATE):
            raise NotAllowed("Viewers cannot upload algorithms. Ask an admin to make you a member.")
        async with received(upload, self._limits, self._scratch) as form:
            name = _checked_name(form.fields.get("name", ""))
            description = checked_description(form.fields.get("description", ""))
            await self._refuse_taken(name)
            bundle, findings = await self._made(form)
            async with self._database.transaction() as connection:
                id_ = await algorithms.add(connection, name, description, principal.user_id)
                if id_ is None:
                    raise _taken(name)
                await algorithms.add_version(connection, id_, bundle, findings, principal.name)
                await audit.record(connection, principal.name, "algorithm.create", f"algorithm/{name}")
            await self.bundles.confirm(form, bundle)
        return await self.get(principal, name), await self.version(principal, name, 1)

    async def add_version(self, principal: Principal, name: str, upload: Upload) -> tuple[Version, bool]:
        """The version with that content, and whether it is new. Raises `NotFound`, and whatever refuses an upload."""
        await self._changeable(principal, name)
        async with received(upload, self._limits, self._scratch) as form:
            bundle, findings = await self._made(form)
            async with self._database.transaction() as connection:
                id_ = await algorithms.lock(connection, name)
                if id_ is None:
                    raise _unknown(name)
                existing = await algorithms.get_version(connection, name, digest=bundle.digest)
                if existing is None:
                    number = await algorithms.add_version(connection, id_, bundle, findings, principal.name)
                    await audit.record(
                        connection, principal.name, "version.create", f"algorithm/{name}", version=number
                    )
            await self.bundles.confirm(form, bundle)
        if existing is not None:
            return existing, False
        return await self.version(principal, name, number), True

    async def page(self, principal: Principal, request: PageRequest) -> Page[Algorithm]:
        """By name."""
        async with self._database.read() as connection:
            return await algorithms.page(connection, request)

    async def get(self, principal: Principal, name: str) -> Algorithm:
        """Raises `NotFound`."""
        async with self._database.read() as connection:
            found = await algorithms.get(connection, name)
        if found is None:
            raise _unknown(name)
        return found

    async def versions(self, principal: Principal, name: str, request: PageRequest) -> Page[Version]:
        """The newest first. Raises `NotFound`."""
        algorithm = await self.get(principal, name)
        async with self._database.read() as connection:
            return await algorithms.page_of_versions(connection, algorithm.id, request)

    async def version(self, principal: Principal, name: str, number: int | None = None) -> Version:
        """One version, or the latest. Raises `NotFound`."""
        async with self._database.read() as connection:
            found = await algorithms.get_version(connection, name, number=number)
        if found is None:
            await self.get(principal, name)
            raise NotFound(f"Algorithm {name} has no version {number}.")
        return found

    async def files(self, principal: Principal, name: str, number: int) -> tuple[FileEntry, ...]:
        """Every file of a version, folder by folder. Raises `NotFound`."""
        version = await self.version(principal, name, number)
        async with self._database.read() as connection:
            return await algorithms.files(connection, version.id)

    async def file(
        self, principal: Principal, name: str, number: int, path: str
    ) -> tuple[FileEntry, AsyncIterator[bytes]]:
        """One file and its bytes. Raises `NotFound`."""
        version, entry = await self._entry(principal, name, number, path)
        return entry, self.bundles.file(version.digest, entry)

    async def view(self, principal: Principal, name: str, number: int, path: str, max_bytes: int) -> FileView:
        """One file as text, at most its first `max_bytes`. Raises `NotFound`."""
        version, entry = await self._entry(principal, name, number, path)
        if not entry.text:
            return FileView(entry, None, cut=False)
        pieces = [piece async for piece in self.bundles.file(version.digest, entry, max_bytes)]
        return FileView(entry, b"".join(pieces).decode(errors="replace"), cut=entry.size > max_bytes)

    async def archive(self, principal: Principal, name: str, number: int) -> tuple[Version, int, AsyncIterator[bytes]]:
        """A version, and the size and bytes of its tar.gz. Raises `NotFound`."""
        version = await self.version(principal, name, number)
        size, pieces = await self.bundles.archive(version.digest)
        return version, size, pieces

    async def describe(self, principal: Principal, name: str, description: str) -> Algorithm:
        """Change what is said about an algorithm. Raises `NotFound`."""
        await self._changeable(principal, name)
        text = checked_description(description)
        async with self._database.transaction() as connection:
            if not await algorithms.describe(connection, name, text):
                raise _unknown(name)
            await audit.record(connection, principal.name, "algorithm.describe", f"algorithm/{name}")
        return await self.get(principal, name)

    async def delete(self, principal: Principal, name: str) -> None:
        """Delete an algorithm with its versions. Raises `Conflict` while projects or records of trainings use it."""
        await self._changeable(principal, name)
        async with self._database.transaction() as connection:
            id_ = await algorithms.lock(connection, name)
            if id_ is None:
                raise _unknown(name)
            in_use = await algorithms.users_of(connection, id_, _USERS_NAMED)
            if in_use:
                raise Conflict(
                    f"Algorithm {name} is in use by {_listed(in_use)}. Delete those projects, or have them use "
                    "another algorithm; records of trainings keep their code for as long as they are kept.",
                    code="algorithm_in_use",
                )
            digests = await algorithms.remove(connection, id_)
            await audit.record(connection, principal.name, "algorithm.delete", f"algorithm/{name}")
        await self.bundles.collect(digests)

    async def _made(self, form: Form) -> tuple[Bundle, tuple[Finding, ...]]:
        bundle = await self.bundles.make(form)
        syntax = await syntax_problems(bundle.run_sh)
        return bundle, lint(bundle, syntax=syntax, inline_max_bytes=self._inline_max_bytes)

    async def _entry(self, principal: Principal, name: str, number: int, path: str) -> tuple[Version, FileEntry]:
        version = await self.version(principal, name, number)
        async with self._database.read() as connection:
            files = await algorithms.files(connection, version.id)
        entry = next((file for file in files if file.path == path), None)
        if entry is None:
            raise NotFound(f"Version {number} of {name} has no file {shown(path)}.")
        return version, entry

    async def _changeable(self, principal: Principal, name: str) -> None:
        algorithm = await self.get(principal, name)
        if not can(principal, Action.CHANGE, owner_id=algorithm.owner_id):
            raise NotAllowed(f"Algorithm {name} belongs to {algorithm.owner}: only they and admins may change it.")

    async def _refuse_taken(self, name: str) -> None:
        async with self._database.read() as connection:
            if await algorithms.get(connection, name) is not None:
                raise _taken(name)


def checked_description(text: str) -> str:
    """Without space around it. Raises `InvalidInput`."""
    text = text.strip()
    if len(text) > DESCRIPTION_MAX:
        detail = f"description has {len(text):,} characters; at most {DESCRIPTION_MAX:,} are kept."
        raise InvalidInput(detail, errors=[FieldError("/description", detail)])
    if "\0" in text:
        detail = "description has a NUL character in it; leave it out."
        raise InvalidInput(detail, errors=[FieldError("/description", detail)])
    return text


def _checked_name(name: str) -> str:
    if not NAME.fullmatch(name):
        was = f"was {shown(name)}" if name else "is missing"
        detail = f"name {was}; {NAME_RULE}."
        raise InvalidInput(detail, errors=[FieldError("/name", detail)])
    return name


def _taken(name: str) -> Conflict:
    detail = f"There is an algorithm {name} already: upload a new version of it, or choose another name."
    return Conflict(detail, code="name_taken", errors=[FieldError("/name", detail)])


def _unknown(name: str) -> NotFound:
    return NotFound(f"There is no algorithm {shown(name)}.")


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
