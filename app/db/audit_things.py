"""What entries of the audit log are about, as it is called now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, case, cast, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import (
    algorithms,
    backfills,
    endpoints,
    hooks,
    images,
    projects,
    registries,
    storages,
    subscriptions,
    tokens,
    trainings,
    users,
)
from app.domain.audit import Thing


async def known(connection: AsyncConnection, objects: Iterable[str]) -> dict[str, Thing]:
    """Those of `objects` (such as `project/digits`) that are still there: one query a kind, however many there are."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for kind, _, key in (object_.partition("/") for object_ in objects):
        wanted[kind].add(key)
    found = {}
    for kind in wanted.keys() & _KINDS.keys():
        column, query = _KINDS[kind]
        keys = wanted[kind] if column.type.python_type is str else _ids(wanted[kind])
        for row in await connection.execute(query.where(column.in_(keys))):
            found[f"{kind}/{row.key}"] = Thing(kind, str(row.key), row.name, row.within)
    return found


def _ids(texts: Iterable[str]) -> list[UUID]:
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue  # somebody else's word for a thing: it has no row
    return found


_Kind = tuple[ColumnElement[Any], Select[Any]]
"""The column of its key, and a query of key, name, and whose it is where that matters."""


def _by_name(name: ColumnElement[str]) -> _Kind:
    return name, select(name.label("key"), name.label("name"), literal("").label("within"))


def _by_id(id_: ColumnElement[UUID], name: ColumnElement[str], within: ColumnElement[str] | None = None) -> _Kind:
    inside = literal("") if within is None else within
    return id_, select(id_.label("key"), name.label("name"), inside.label("within"))


def _joined(kind: _Kind, *tables: Any) -> _Kind:
    return kind[0], kind[1].join_from(*tables)


# A webhook's URL may hold a secret, so its host stands for it.
_TOLD = case(
    (subscriptions.c.description != "", subscriptions.c.description),
    (subscriptions.c.channel == "mail", subscriptions.c.target),
    else_=subscriptions.c.place,
)
_PROJECT, _PROJECTS = _by_name(projects.c.name)
_KINDS: dict[str, _Kind] = {
    "algorithm": _by_name(algorithms.c.name),
    "image": _by_name(images.c.name),
    "project": (_PROJECT, _PROJECTS.where(projects.c.deleted_at.is_(None))),
    "registry": _by_name(registries.c.name),
    "storage": _by_name(storages.c.name),
    "user": _by_name(users.c.name),
    "training": _by_id(trainings.c.id, trainings.c.project + " #" + cast(trainings.c.number, String)),
    "backfill": _by_id(backfills.c.id, backfills.c.project),
    "serving": _by_id(endpoints.c.id, endpoints.c.name),
    "tensorboard": _by_id(endpoints.c.id, endpoints.c.name),
    "webhook": _by_id(subscriptions.c.id, _TOLD),
    "mail": _by_id(subscriptions.c.id, _TOLD),
    "hook": _joined(_by_id(hooks.c.id, hooks.c.name, projects.c.name), hooks, projects),
    "token": _joined(_by_id(tokens.c.id, tokens.c.name, users.c.name), tokens, users),
}
