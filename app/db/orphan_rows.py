"""Rows of orphans: what a worker's last look found, kept for everybody to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.keyset import fetch_page
from app.db.tables import cluster_orphans
from app.domain.orphan import Orphan, OrphanKind
from app.domain.paging import Page, PageRequest

MOST = 1_000
"""Rows that are kept; of more, the next looks show what is left."""
_SEEN = ("kind", "name", "owner", "owner_id", "made_at", "deleting_since", "stuck", "collect_at")


async def replace_all(connection: AsyncConnection, found: Sequence[Orphan]) -> None:
    """These are all there are now; those that were known keep when they were found."""
    shown = sorted(found, key=lambda orphan: orphan.uid)[:MOST]
    await connection.execute(delete(cluster_orphans).where(cluster_orphans.c.uid.not_in([one.uid for one in shown])))
    if not shown:
        return
    rows = [{"uid": one.uid, **{name: getattr(one, name) for name in _SEEN}} for one in shown]
    statement = insert(cluster_orphans)
    values = {name: statement.excluded[name] for name in _SEEN} | {"looked_at": func.now()}
    await connection.execute(statement.on_conflict_do_update(index_elements=["uid"], set_=values), rows)


async def page(connection: AsyncConnection, request: PageRequest) -> Page[Orphan]:
    """By name."""
    key = (cluster_orphans.c.name, cluster_orphans.c.uid)
    return await fetch_page(connection, select(cluster_orphans), request, key=key, make=_orphan_of)


async def count(connection: AsyncConnection) -> int:
    return int((await connection.execute(select(func.count()).select_from(cluster_orphans))).scalar_one())


def _orphan_of(row: Row[Any]) -> Orphan:
    return Orphan(
        kind=OrphanKind(row.kind),
        name=row.name,
        uid=row.uid,
        owner=row.owner,
        owner_id=row.owner_id,
        made_at=row.made_at,
        deleting_since=row.deleting_since,
        stuck=row.stuck,
        collect_at=row.collect_at,
        found_at=row.found_at,
        looked_at=row.looked_at,
    )
