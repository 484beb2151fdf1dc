"""Secrets at rest."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.auth.seal import (
    BadKey,
    SealBroken,
    Sealer,
    add_key_to_file,
    drop_old_keys_from_file,
    keys_in_file,
    parse_keys,
)

OLD, NEW = bytes(range(32)), bytes(range(32, 64))


def test_what_is_sealed_opens_in_its_place_only() -> None:
    sealer = Sealer(lambda: {"a": OLD})
    sealed = sealer.seal("hunter2 ☃", "registry/1")
    assert b"hunter2" not in sealed
    assert sealer.open(sealed, "registry/1") == "hunter2 ☃"
    with pytest.raises(SealBroken, match="does not belong here"):
        sealer.open(sealed, "registry/2")


def test_the_same_secret_looks_different_each_time() -> None:
    sealer = Sealer(lambda: {"a": OLD})
    assert sealer.seal("x", "p") != sealer.seal("x", "p")


def test_every_changed_byte_is_noticed() -> None:
    sealer = Sealer(lambda: {"a": OLD})
    sealed = sealer.seal("hunter2", "p")
    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(SealBroken):
            sealer.open(changed, "p")
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            sealer.open(sealed[:length], "p")


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    old = Sealer(lambda: {"a": OLD}).seal("x", "p")
    both = Sealer(lambda: {"b": NEW, "a": OLD})
    assert both.open(old, "p") == "x"
    assert not both.is_newest(old)
    assert both.is_newest(both.seal("x", "p"))


def test_a_running_process_learns_of_a_new_key() -> None:
    keys = {"a": OLD}
    running = Sealer(lambda: dict(keys))
    keys = {"b": NEW, "a": OLD}
    assert running.open(Sealer(lambda: keys).seal("x", "p"), "p") == "x"


def test_a_missing_key_is_named() -> None:
    sealed = Sealer(lambda: {"a": OLD}).seal("x", "p")
    with pytest.raises(SealBroken, match="'a'"):
        Sealer(lambda: {"b": NEW}).open(sealed, "p")


def test_the_file_is_made_once_privately_and_grows_and_shrinks(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: keys_in_file(home), range(8)))
    assert all(keys == made[0] for keys in made)
    path = home / "secret-keys"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in home.iterdir()] == ["secret-keys"]
    added = add_key_to_file(home)
    assert list(keys_in_file(home)) == [added, *made[0]]
    assert drop_old_keys_from_file(home) == 1
    assert list(keys_in_file(home)) == [added]
    assert path.stat().st_mode & 0o777 == 0o600


def test_keys_are_read_with_a_sentence_for_each_mistake() -> None:
    good = base64.b64encode(OLD).decode()
    assert parse_keys(f" a:{good} , b:{base64.b64encode(NEW).decode()}") == {"a": OLD, "b": NEW}
    for bad in ("", "a:!!!", f"{good}", f"a:{good},a:{good}", "a:" + base64.b64encode(b"short").decode(), f":{good}"):
        with pytest.raises(BadKey, match="encryption key"):
            parse_keys(bad)
