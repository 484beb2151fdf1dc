"""What a project's settings were, and what one edit changed in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.masking import HIDDEN, is_secret_name

NEW_VALUE = "(a new value)"
"""What is shown instead of a secret that was set."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A project as it was saved. `settings` is JSON as in the API; `by` is None where nobody had written it down.

    Of secrets only the names are known: in `settings` those there were, in `secrets_set` those that got a value here.
    """

    number: int
    at: datetime
    by: str | None
    settings: Mapping[str, Any]
    secrets_set: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs: a JSON pointer into the settings, and both values; None where there was or is none."""

    field: str
    before: Any
    after: Any


def settings_of(spec: Mapping[str, Any], notes: str, tags: list[str]) -> dict[str, Any]:
    """The settings of a stored spec in the API's order and spelling, secrets left out."""
    run = dict(spec["run"])
    env = {name: HIDDEN if is_secret_name(name) else value for name, value in sorted(run.pop("env", {}).items())}
    return {
        "algorithm": spec["algorithm"],
        "version": spec.get("version"),
        **run,
        "env": env,
        "running_limit": spec.get("running_limit"),
        "schedule": spec.get("schedule"),
        "params": {one["name"]: _said(one) for one in spec.get("params") or ()},
        "only_declared_params": spec.get("only_declared_params") or None,
        "metric": spec.get("metric"),
        "notes": notes,
        "tags": tags,
    }


def changes(before: Revision, after: Revision) -> tuple[Change, ...]:
    """What the later one has changed, in the order of the settings; lists are compared as a whole, empty is none."""
    old, new = dict(_leaves(before.settings)), dict(_leaves(after.settings))
    found = [
        Change(field, old.get(field), new.get(field))
        for field in dict.fromkeys((*new, *old))
        if old.get(field) != new.get(field)
    ]
    known = before.settings.get("secret_env") or ()
    found += [
        Change(f"/secret_env/{name}", HIDDEN if name in known else None, NEW_VALUE)
        for name in sorted(after.secrets_set)
    ]
    return tuple(found)


def _said(param: Mapping[str, Any]) -> dict[str, Any]:
    """What a declared parameter says of itself, besides what is so of every other."""
    return {key: value for key, value in param.items() if key != "name" and value is not False}


def _leaves(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, part in value.items():
        at = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
        if isinstance(part, Mapping) and part:
            yield from _leaves(part, at)
        elif part not in (None, {}, [], ""):
            yield at, part
