"""Rows of series."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, literal_column, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.metric_points import pack, unpack
from app.db.tables import metric_series, trainings
from app.domain.metric import Point, Series
from app.domain.metrics import MetricName

_ENDS = ("last", "lowest", "highest")
_NAMES = [column for column in metric_series.c if column.name != "points"]
Key = tuple[str, str]


async def keys(connection: AsyncConnection, training_id: UUID) -> dict[Key, int]:
    """The number of each series of a training, by run and tag."""
    rows = await connection.execute(
        select(metric_series.c.run, metric_series.c.tag, metric_series.c.number).where(
            metric_series.c.training_id == training_id
        )
    )
    return {(row.run, row.tag): row.number for row in rows}


async def load(connection: AsyncConnection, training_id: UUID, wanted: Collection[Key]) -> dict[Key, Series]:
    """Those of the wanted series that are there, with their points."""
    if not wanted:
        return {}
    query = select(metric_series).where(
        metric_series.c.training_id == training_id,
        tuple_(metric_series.c.run, metric_series.c.tag).in_(list(wanted)),
    )
    return {(row.run, row.tag): _series_of(row) for row in await connection.execute(query)}


async def save(
    connection: AsyncConnection, training_id: UUID, changed: Iterable[Series], numbers: Mapping[Key, int]
) -> None:
    """Write series anew; those without a number get the next ones."""
    free = max(numbers.values(), default=-1) + 1
    whose = select(trainings.c.project_id).where(trainings.c.id == training_id)
    project_id = (await connection.execute(whose)).scalar_one()
    rows = []
    for series in changed:
        number = numbers.get((series.run, series.tag))
        if number is None:
            number, free = free, free + 1
        key = {"training_id": training_id, "number": number, "project_id": project_id}
        rows.append(key | _values(series))
    if not rows:
        return
    statement = insert(metric_series)
    replaced = {name: statement.excluded[name] for name in rows[0] if name not in ("training_id", "number")}
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["training_id", "number"], set_=replaced), rows
    )


async def names(connection: AsyncConnection, training_id: UUID) -> tuple[MetricName, ...]:
    """All of a training's, by tag and run, without their points."""
    query = (
        select(*_NAMES)
        .where(metric_series.c.training_id == training_id)
        .order_by(metric_series.c.tag, metric_series.c.run)
    )
    return tuple(map(_name_of, await connection.execute(query)))


async def tags_of_project(connection: AsyncConnection, ids: Collection[UUID]) -> list[Key]:
    """The tags and runs that any of these trainings has."""
    query = (
        select(metric_series.c.run, metric_series.c.tag)
        .where(metric_series.c.training_id.in_(ids))
        .distinct()
        .order_by(metric_series.c.tag, metric_series.c.run)
    )
    return [(row.run, row.tag) for row in await connection.execute(query)]


async def of_tag(
    connection: AsyncConnection, ids: Collection[UUID], tag: str, run: str | None
) -> dict[UUID, list[Series]]:
    """The series of that tag of each training (of one run, or of all)."""
    query = select(metric_series).where(metric_series.c.training_id.in_(ids), metric_series.c.tag == tag)
    if run is not None:
        query = query.where(metric_series.c.run == run)
    found: dict[UUID, list[Series]] = {}
    for row in await connection.execute(query.order_by(metric_series.c.training_id, metric_series.c.run)):
        found.setdefault(row.training_id, []).append(_series_of(row))
    return found


async def newest_names(connection: AsyncConnection, project_id: UUID, most: int) -> dict[UUID, list[MetricName]]:
    """What is known of the newest trainings of a project that have any metric at all."""
    measured = (
        select(metric_series.c.training_id)
        .where(metric_series.c.project_id == project_id, metric_series.c.number == literal_column("0"))
        .order_by(metric_series.c.training_id.desc())
        .limit(most)
    )
    query = select(*_NAMES).where(metric_series.c.training_id.in_(measured))
    found: dict[UUID, list[MetricName]] = {}
    for row in await connection.execute(query.order_by(metric_series.c.training_id.desc(), metric_series.c.number)):
        found.setdefault(row.training_id, []).append(_name_of(row))
    return found


async def count(connection: AsyncConnection, training_id: UUID) -> int:
    query = select(func.count()).where(metric_series.c.training_id == training_id)
    return int((await connection.execute(query)).scalar_one())


def _values(series: Series) -> dict[str, Any]:
    values: dict[str, Any] = {
        "run": series.run,
        "tag": series.tag,
        "count": series.count,
        "stride": series.stride,
        "open_values": series.open_values,
        "open_kept": series.open_kept,
        "points": pack(series.points),
    }
    for name, point in zip(_ENDS, (series.last, series.lowest, series.highest), strict=True):
        values |= {
            f"{name}_step": point.step if point else None,
            f"{name}_at": point.at if point else None,
            f"{name}_value": point.value if point else None,
        }
    return values


def _series_of(row: Row[Any]) -> Series:
    last, lowest, highest = (_point(row, name) for name in _ENDS)
    return Series(
        run=row.run,
        tag=row.tag,
        count=row._mapping["count"],  # `row.count` is a method of every row
        last=last,
        lowest=lowest,
        highest=highest,
        points=unpack(row.points),
        stride=row.stride,
        open_values=row.open_values,
        open_kept=row.open_kept,
    )


def _name_of(row: Row[Any]) -> MetricName:
    last, lowest, highest = (_point(row, name) for name in _ENDS)
    return MetricName(row.run, row.tag, row._mapping["count"], last, lowest, highest, row.stride > 1)


def _point(row: Row[Any], name: str) -> Point | None:
    step, at, value = (row._mapping[f"{name}_{part}"] for part in ("step", "at", "value"))
    return None if step is None else Point(step, at, value)
