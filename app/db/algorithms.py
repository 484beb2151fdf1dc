"""Rows of algorithms and their versions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, exists, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.codec import from_json, to_json
from app.db.ids import new_id
from app.db.keyset import fetch_page
from app.db.tables import algorithms, projects, trainings, users, versions
from app.domain.algorithm import Algorithm, Bundle, FileEntry, Version
from app.domain.finding import Finding
from app.domain.paging import Page, PageRequest


async def add(connection: AsyncConnection, name: str, description: str, owner_id: UUID) -> UUID | None:
    """The new algorithm's id; None when the name is taken. It needs a version before the transaction ends."""
    statement = (
        insert_or(algorithms)
        .values(id=new_id(), name=name, description=description, owner_id=owner_id)
        .on_conflict_do_nothing(index_elements=["name"])
        .returning(algorithms.c.id)
    )
    id_: UUID | None = (await connection.execute(statement)).scalar_one_or_none()
    return id_


async def add_version(
    connection: AsyncConnection, algorithm_id: UUID, bundle: Bundle, findings: Sequence[Finding], created_by: str
) -> int | None:
    """The number of the new version, or None when the algorithm is gone. Call it with a digest that it does not have.

    Whoever holds the algorithm's row by `lock` is the only one who adds a version.
    """
    highest = select(func.coalesce(func.max(versions.c.number), 0)).where(versions.c.algorithm_id == algorithm_id)
    number = int((await connection.execute(highest)).scalar_one()) + 1
    await connection.execute(
        insert(versions).values(
            id=new_id(),
            algorithm_id=algorithm_id,
            number=number,
            digest=bundle.digest,
            size=bundle.size,
            archive_size=bundle.archive_size,
            files=to_json(bundle.files),
            findings=to_json(findings),
            created_by=created_by,
        )
    )
    await connection.execute(update(algorithms).where(algorithms.c.id == algorithm_id).values(updated_at=func.now()))
    return number


async def lock(connection: AsyncConnection, name: str) -> UUID | None:
    """The id of the algorithm, whose row nobody else changes or begins to use until the transaction ends."""
    query = select(algorithms.c.id).where(algorithms.c.name == name).with_for_update()
    id_: UUID | None = (await connection.execute(query)).scalar_one_or_none()
    return id_


async def hold(connection: AsyncConnection, algorithm_id: UUID) -> bool:
    """Keep it from being deleted until the transaction ends; false when it is gone already."""
    query = select(algorithms.c.id).where(algorithms.c.id == algorithm_id).with_for_update(read=True, key_share=True)
    return (await connection.execute(query)).first() is not None


async def get(connection: AsyncConnection, name: str) -> Algorithm | None:
    row = (await connection.execute(_algorithms().where(algorithms.c.name == name))).first()
    return _algorithm_of(row) if row else None


async def page(connection: AsyncConnection, request: PageRequest) -> Page[Algorithm]:
    """By name."""
    return await fetch_page(connection, _algorithms(), request, key=(algorithms.c.name,), make=_algorithm_of)


async def get_version(
    connection: AsyncConnection, name: str, *, number: int | None = None, digest: str | None = None
) -> Version | None:
    """The version with that number or digest; with neither, the latest."""
    query = _versions().where(algorithms.c.name == name)
    if number is not None:
        query = query.where(versions.c.number == number)
    if digest is not None:
        query = query.where(versions.c.digest == digest)
    row = (await connection.execute(query.order_by(versions.c.number.desc()).limit(1))).first()
    return _version_of(row) if row else None


async def versions_of(
    connection: AsyncConnection, wanted: Collection[tuple[str, int | None]]
) -> dict[tuple[str, int | None], Version]:
    """Those that are there, by algorithm's name and number; number None asks for the newest. At most two statements."""
    found: dict[tuple[str, int | None], Version] = {}
    numbered = [pair for pair in wanted if pair[1] is not None]
    newest = [name for name, number in wanted if number is None]
    if numbered:
        query = _versions().where(tuple_(algorithms.c.name, versions.c.number).in_(numbered))
        for row in await connection.execute(query):
            found[(row.algorithm, row.number)] = _version_of(row)
    if newest:
        query = _versions().where(algorithms.c.name.in_(newest)).distinct(algorithms.c.name)
        for row in await connection.execute(query.order_by(algorithms.c.name, versions.c.number.desc())):
            found[(row.algorithm, None)] = _version_of(row)
    return found


async def page_of_versions(connection: AsyncConnection, algorithm_id: UUID, request: PageRequest) -> Page[Version]:
    """The newest first."""
    query = _versions().where(versions.c.algorithm_id == algorithm_id)
    key = (versions.c.number,)
    return await fetch_page(connection, query, request, key=key, make=_version_of, descending=True)


async def files(connection: AsyncConnection, version_id: UUID) -> tuple[FileEntry, ...]:
    """A version's files in the order of its archive; none when it is gone."""
    found = (await connection.execute(select(versions.c.files).where(versions.c.id == version_id))).scalar_one_or_none()
    return from_json(found or [], tuple[FileEntry, ...])


async def describe(connection: AsyncConnection, name: str, description: str) -> bool:
    """False when there is no such algorithm."""
    statement = (
        update(algorithms)
        .where(algorithms.c.name == name)
        .values(description=description, updated_at=func.now())
        .returning(algorithms.c.id)
    )
    return (await connection.execute(statement)).first() is not None


async def users_of(connection: AsyncConnection, algorithm_id: UUID, limit: int) -> list[str]:
    """What uses it, in words: live projects, then trainings on record (`project #number`); at most `limit` of each."""
    live = (
        select(projects.c.name)
        .where(projects.c.algorithm_id == algorithm_id, projects.c.deleted_at.is_(None))
        .order_by(projects.c.name)
        .limit(limit)
    )
    records = (
        select(trainings.c.project, trainings.c.number)
        .where(trainings.c.version_id.in_(select(versions.c.id).where(versions.c.algorithm_id == algorithm_id)))
        .order_by(trainings.c.created_at.desc())
        .limit(limit)
    )
    named = [f"project {name}" for name in (await connection.execute(live)).scalars()]
    return named + [f"training {row.project} #{row.number}" for row in await connection.execute(records)]


async def remove(connection: AsyncConnection, algorithm_id: UUID) -> list[str]:
    """Delete it with its versions; gives their digests. Deleted projects that never ran go with it."""
    digests = select(versions.c.digest).where(versions.c.algorithm_id == algorithm_id)
    found = list((await connection.execute(digests)).scalars())
    never_ran = ~exists().where(trainings.c.project_id == projects.c.id)
    gone = projects.c.deleted_at.is_not(None) & never_ran
    await connection.execute(delete(projects).where(projects.c.algorithm_id == algorithm_id, gone))
    await connection.execute(delete(algorithms).where(algorithms.c.id == algorithm_id))
    return found


async def unused_digests(connection: AsyncConnection, digests: Sequence[str]) -> set[str]:
    """Those of the digests that no version has."""
    query = select(versions.c.digest).where(versions.c.digest.in_(digests))
    return set(digests) - set((await connection.execute(query)).scalars())


def _algorithms() -> Select[Any]:
    latest = (
        select(func.max(versions.c.number))
        .where(versions.c.algorithm_id == algorithms.c.id)
        .scalar_subquery()
        .label("latest")
    )
    return select(algorithms, users.c.name.label("owner"), latest).join_from(algorithms, users)


def _versions() -> Select[Any]:
    columns = [column for column in versions.c if column.name != "files"]
    count = func.jsonb_array_length(versions.c.files).label("file_count")
    return select(*columns, count, algorithms.c.name.label("algorithm")).join_from(versions, algorithms)


def _algorithm_of(row: Row[Any]) -> Algorithm:
    return Algorithm(
        id=row.id,
        name=row.name,
        description=row.description,
        owner_id=row.owner_id,
        owner=row.owner,
        latest=row.latest or 0,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _version_of(row: Row[Any]) -> Version:
    return Version(
        id=row.id,
        algorithm_id=row.algorithm_id,
        algorithm=row.algorithm,
        number=row.number,
        digest=row.digest,
        size=row.size,
        archive_size=row.archive_size,
        file_count=row.file_count,
        findings=from_json(row.findings, tuple[Finding, ...]),
        created_by=row.created_by,
        created_at=row.created_at,
    )
