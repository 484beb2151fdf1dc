"""Passwords: argon2id, computed beside the event loop and only a few at a time."""

from __future__ import annotations

import asyncio
import secrets
from functools import cache

from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher

SHORTEST = 10
LONGEST = 256
# 19 MiB each: a burst of log-ins must not take the memory or the cores of everything else.
_AT_A_TIME = 4
_argon2id = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),))


class Passwords:
    """Hashing and checking. Without a hash to check against it takes as long, so that names cannot be guessed."""

    def __init__(self) -> None:
        self._nobody = _hash_of_nobody()
        self._gate = asyncio.Semaphore(_AT_A_TIME)

    async def hash(self, password: str) -> str:
        async with self._gate:
            return await asyncio.to_thread(_argon2id.hash, password)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether it is the password; `stored` None (no such person) is always False."""
        async with self._gate:
            matches = await asyncio.to_thread(_matches, password, stored or self._nobody)
        return matches and stored is not None


@cache
def _hash_of_nobody() -> str:
    return _argon2id.hash(secrets.token_urlsafe())


def _matches(password: str, stored: str) -> bool:
    try:
        return _argon2id.verify(password, stored)
    except PwdlibError:
        return False


def weakness(password: str, name: str) -> str | None:
    """What is wrong with a new password, as a sentence; None when it will do."""
    if not SHORTEST <= len(password) <= LONGEST:
        return f"The password has {len(password):,} characters; choose between {SHORTEST} and {LONGEST}."
    if password.lower() == name.lower():
        return "The password is the same as the name; choose another."
    return None
