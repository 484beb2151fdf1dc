"""The one row that says which installation this is."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import installation


async def keep_name(connection: AsyncConnection, proposed: str) -> str:
    """The installation's name: the one kept before, else `proposed`, kept from now on."""
    await connection.execute(insert(installation).values(name=proposed).on_conflict_do_nothing())
    return str((await connection.execute(select(installation.c.name))).scalar_one())
