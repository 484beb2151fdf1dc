"""Every sealed column, for when all of them are sealed anew. A new one has to be added here."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import hooks, project_secrets, registries, subscriptions
from app.domain.places import hook_place, project_secret_place, registry_place, webhook_secret_place

# Takes what is sealed and its place; gives what to keep instead, None to leave it.
Reseal = Callable[[bytes, str], bytes | None]


async def reseal_all(connection: AsyncConnection, reseal: Reseal) -> int:
    """Rewrite every sealed value; gives how many were changed."""
    parts = (_registries, _project_secrets, _webhook_secrets, _hooks)
    return sum([await part(connection, reseal) for part in parts])


async def _registries(connection: AsyncConnection, reseal: Reseal) -> int:
    changed = 0
    for row in (await connection.execute(select(registries).with_for_update())).all():
        if sealed := reseal(row.password, registry_place(row.id)):
            await connection.execute(update(registries).where(registries.c.id == row.id).values(password=sealed))
            changed += 1
    return changed


async def _project_secrets(connection: AsyncConnection, reseal: Reseal) -> int:
    changed = 0
    for row in (await connection.execute(select(project_secrets).with_for_update())).all():
        if sealed := reseal(row.value, project_secret_place(row.project_id, row.name)):
            here = (project_secrets.c.project_id == row.project_id, project_secrets.c.name == row.name)
            await connection.execute(update(project_secrets).where(*here).values(value=sealed))
            changed += 1
    return changed


async def _webhook_secrets(connection: AsyncConnection, reseal: Reseal) -> int:
    changed = 0
    query = select(subscriptions).where(subscriptions.c.secret.is_not(None)).with_for_update()
    for row in (await connection.execute(query)).all():
        found = {"secret": row.secret, "old_secret": row.old_secret}
        place = webhook_secret_place(row.id)
        new = {name: sealed for name, old in found.items() if old is not None and (sealed := reseal(old, place))}
        if new:
            await connection.execute(update(subscriptions).where(subscriptions.c.id == row.id).values(**new))
            changed += len(new)
    return changed


async def _hooks(connection: AsyncConnection, reseal: Reseal) -> int:
    changed = 0
    for row in (await connection.execute(select(hooks).where(hooks.c.secret.is_not(None)).with_for_update())).all():
        found = {"secret": row.secret, "old_secret": row.old_secret}
        place = hook_place(row.id)
        new = {name: sealed for name, old in found.items() if old is not None and (sealed := reseal(old, place))}
        if new:
            await connection.execute(update(hooks).where(hooks.c.id == row.id).values(**new))
            changed += len(new)
    return changed
