"""Finding by how words begin, each kind by an index of its own and never more than a few."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import algorithms, images, projects, trainings
from app.db.trainings import training_of
from app.domain.training import Reason, Training


async def project_names(connection: AsyncConnection, words: Sequence[str], limit: int) -> list[tuple[str, str]]:
    """Name and algorithm, the shortest names first."""
    query = select(projects.c.name, algorithms.c.name.label("algorithm")).join_from(projects, algorithms)
    query = query.where(projects.c.deleted_at.is_(None), _begin(projects.c.name, words))
    query = query.order_by(func.length(projects.c.name), projects.c.name).limit(limit)
    return [(row.name, row.algorithm) for row in await connection.execute(query)]


async def algorithm_names(connection: AsyncConnection, words: Sequence[str], limit: int) -> list[tuple[str, str]]:
    """Name and description, the shortest names first."""
    query = select(algorithms.c.name, algorithms.c.description).where(_begin(algorithms.c.name, words))
    query = query.order_by(func.length(algorithms.c.name), algorithms.c.name).limit(limit)
    return [(row.name, row.description) for row in await connection.execute(query)]


async def image_names(connection: AsyncConnection, words: Sequence[str], limit: int) -> list[tuple[str, str]]:
    """Name and reference, by name; a catalogue is short, so there is no index."""
    both = images.c.name + " " + images.c.reference
    query = select(images.c.name, images.c.reference).where(_begin(both, words)).order_by(images.c.name).limit(limit)
    return [(row.name, row.reference) for row in await connection.execute(query)]


async def trainings_numbered(
    connection: AsyncConnection, words: Sequence[str], number: int, limit: int
) -> list[Training]:
    """Those with that number of the projects whose names begin so (of the newest projects when there are no words)."""
    named = select(projects.c.id)
    if words:
        named = named.where(_begin(projects.c.name, words)).order_by(func.length(projects.c.name))
    else:
        named = named.order_by(projects.c.updated_at.desc())
    ids = list((await connection.execute(named.limit(_PROJECTS))).scalars())
    query = select(trainings).where(trainings.c.project_id.in_(ids), trainings.c.number == number)
    return [training_of(row) for row in await connection.execute(query.order_by(trainings.c.id.desc()).limit(limit))]


async def trainings_between(connection: AsyncConnection, first: UUID, last: UUID, limit: int) -> list[Training]:
    """Those whose ids lie between, the newest first."""
    query = select(trainings).where(trainings.c.id.between(first, last))
    return [training_of(row) for row in await connection.execute(query.order_by(trainings.c.id.desc()).limit(limit))]


async def trainings_ended(connection: AsyncConnection, reasons: Sequence[Reason], limit: int) -> list[Training]:
    """The newest that ended for one of these reasons."""
    found = []
    for reason in reasons:
        query = select(trainings).where(trainings.c.reason == reason).order_by(trainings.c.id.desc()).limit(limit)
        found += [training_of(row) for row in await connection.execute(query)]
    return sorted(found, key=lambda training: training.id, reverse=True)[:limit]


_PROJECTS = 200
_SIMPLE: ColumnElement[str] = literal_column("'simple'::regconfig")


def _begin(column: ColumnElement[str], words: Sequence[str]) -> ColumnElement[bool]:
    """Every word begins one of the column's, as the index on its words has them."""
    # Literals, as in the index: a parameter in their place would keep it from being used.
    spaced = func.translate(column, literal_column("'-_./:@'"), literal_column("'      '"))
    vector = func.to_tsvector(_SIMPLE, spaced)
    return vector.op("@@")(func.to_tsquery(_SIMPLE, " & ".join(f"{word}:*" for word in words)))
