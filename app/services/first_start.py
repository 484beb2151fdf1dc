"""The first start makes an admin; a machine's own scripts find an API token in a file."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.auth.credentials import digest, new_password
from app.db import tokens, users
from app.db.engine import Database
from app.domain.access import Principal, UserRole
from app.domain.clock import Clock
from app.errors import Conflict
from app.services.accounts import AccountService
from app.services.tokens import TokenService

ADMIN = "admin"
TOKEN_FILE = "admin-token"
_TOKEN_NAME = "admin-token file"


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """How to log in for the first time; `password` is None when the operator chose it."""

    name: str
    password: str | None


class FirstStart:
    """Harmless to run at every start, and by several processes at once."""

    def __init__(self, database: Database, clock: Clock, accounts: AccountService, token_service: TokenService) -> None:
        self._database = database
        self._clock = clock
        self._accounts = accounts
        self._tokens = token_service

    async def ensure_admin(self, chosen: str | None = None) -> FirstAdmin | None:
        """Make the admin, with the password `chosen` or a random one; None when there is somebody already."""
        async with self._database.read() as connection:
            if await users.any_there(connection):
                return None
        password = chosen or new_password()
        try:
            await self._accounts.add(name=ADMIN, role=UserRole.ADMIN, password=password, actor="first start")
        except Conflict:
            return None  # another process was first
        return FirstAdmin(ADMIN, None if chosen else password)

    async def ensure_token_file(self, home: Path) -> Path | None:
        """A token of the first admin in `home/admin-token`, readable by its owner only; kept while it works."""
        path = home / TOKEN_FILE
        async with self._database.read() as connection:
            admin = await users.first_admin(connection)
            with suppress(FileNotFoundError):
                if await tokens.principal_of(connection, digest(path.read_text().strip()), self._clock()):
                    return path
        if admin is None:
            return None
        async with self._database.transaction() as connection:
            await tokens.remove_named(connection, admin.id, _TOKEN_NAME)
        _, secret = await self._tokens.create(Principal(admin.id, admin.name, admin.role), _TOKEN_NAME, None)
        write_private(path, secret + "\n")
        return path


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else can read, not even for a moment, and that is never half there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    part.replace(path)
