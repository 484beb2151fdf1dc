"""Secrets at rest: AES-256-GCM under a named key, bound to the place they belong to.

What is sealed for one row cannot be moved to another: `place` is authenticated with it. Old keys still open what they
sealed until everything has been sealed anew (`taas secrets rotate`).
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.errors import TaasError

KEY_FILE = "secret-keys"
_VERSION = 1
_NONCE = 12

Keys = dict[str, bytes]  # by id, the newest first


class SealBroken(TaasError):
    """A secret cannot be opened: its key is not there, or it was changed."""

    code = "seal_broken"
    title = "A stored secret cannot be read"


class BadKey(TaasError):
    """The operator's encryption keys cannot be used."""

    code = "bad_key"
    title = "An encryption key cannot be used"


class Sealer:
    """Seals with the newest key, opens with any. `load` is asked again when a key is not known yet."""

    def __init__(self, load: Callable[[], Keys]) -> None:
        self._load = load
        self._keys = load()

    def seal(self, secret: str, place: str) -> bytes:
        key_id, key = next(iter(self._keys.items()))
        nonce = os.urandom(_NONCE)
        head = bytes([_VERSION, len(key_id)]) + key_id.encode() + nonce
        return head + AESGCM(key).encrypt(nonce, secret.encode(), place.encode())

    def open(self, sealed: bytes, place: str) -> str:
        """Raises `SealBroken`."""
        key_id, nonce, rest = _parts(sealed)
        if key_id not in self._keys:
            self._keys = self._load()
        if key_id not in self._keys:
            raise SealBroken(f"The key {key_id!r} that sealed this secret is missing. Give it back to TaaS.")
        try:
            return AESGCM(self._keys[key_id]).decrypt(nonce, rest, place.encode()).decode()
        except InvalidTag as exc:
            raise SealBroken("A stored secret was changed or does not belong here. Enter it again.") from exc

    def is_newest(self, sealed: bytes) -> bool:
        """Whether the newest key sealed it."""
        return _parts(sealed)[0] == next(iter(self._keys))


def parse_keys(text: str) -> Keys:
    """`id:base64` keys of 32 bytes, separated by commas or lines, the newest first. Raises `BadKey`."""
    keys: Keys = {}
    for entry in filter(None, (part.strip() for part in text.replace("\n", ",").split(","))):
        key_id, _, encoded = entry.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error as exc:
            raise BadKey(f"The encryption key {key_id!r} is not base64.") from exc
        if len(key) != 32 or not 1 <= len(key_id) <= 64 or not key_id.isascii() or key_id in keys:
            raise BadKey(f"The encryption key {key_id!r} must have an id of its own and 32 bytes, as id:base64.")
        keys[key_id] = key
    if not keys:
        raise BadKey("There is no encryption key: give at least one as id:base64.")
    return keys


def keys_in_file(home: Path) -> Keys:
    """The keys kept under `home`, made at the first call. Several processes may call at once."""
    path = home / KEY_FILE
    with suppress(FileNotFoundError):
        return parse_keys(path.read_text())
    part = _write_part(home, [_new_entry()])
    with suppress(FileExistsError):
        path.hardlink_to(part)  # only the first of them succeeds
    part.unlink()
    return parse_keys(path.read_text())


def add_key_to_file(home: Path) -> str:
    """Put a new key before those that are there; gives its id."""
    keys_in_file(home)
    path = home / KEY_FILE
    entry = _new_entry()
    _write_part(home, [entry, *path.read_text().split()]).replace(path)
    return entry.partition(":")[0]


def drop_old_keys_from_file(home: Path) -> int:
    """Keep the newest only; gives how many went."""
    path = home / KEY_FILE
    newest, *old = path.read_text().split()
    _write_part(home, [newest]).replace(path)
    return len(old)


def _new_entry() -> str:
    return f"k{secrets.token_hex(4)}:{base64.b64encode(os.urandom(32)).decode()}"


def _write_part(home: Path, entries: list[str]) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    part = home / f".{KEY_FILE}.{secrets.token_hex(4)}"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(entries) + "\n")
    return part


def _parts(sealed: bytes) -> tuple[str, bytes, bytes]:
    if len(sealed) < 2 or sealed[0] != _VERSION or len(sealed) < 2 + sealed[1] + _NONCE:
        raise SealBroken("A stored secret is not in a form this version knows. Enter it again.")
    start = 2 + sealed[1]
    return sealed[2:start].decode(errors="replace"), sealed[start : start + _NONCE], sealed[start + _NONCE :]
