"""What trainings' summaries say, as pages and programs ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.db import metric_readings, metric_series, projects, trainings
from app.db.engine import Database
from app.domain.access import Principal
from app.domain.grafana import dashboard
from app.domain.metric import Point, Series, curve, thinned
from app.domain.metrics import Measured, MetricCurve, MetricName, Metrics
from app.domain.training import Training
from app.errors import FieldError, InvalidInput, NotFound
from app.services.known import known
from app.services.trainings import unknown_training
from app.settings import Settings

MOST_COMPARED = 20
POINTS_DEFAULT = 1_000


class MetricsService:
    """Everybody who sees a record sees its metrics."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._grafana_url = settings.grafana_url

    async def of(self, principal: Principal, training_id: UUID) -> Metrics:
        """All tags with their newest, lowest and highest values. Raises `NotFound`."""
        training = await self._training(training_id)
        link = dashboard(self._grafana_url, training)
        async with self._database.read() as connection:
            reading = await metric_readings.get(connection, training_id)
            names = await metric_series.names(connection, training_id)
        if reading is None:
            problem = "" if training.spec.storage else NO_STORAGE
            return Metrics((), None, training.state.ended, problem, 0, 0, link)
        lost = sum(position.lost for position in reading.files.values())
        return Metrics(names, reading.read_at, reading.complete, reading.problem, reading.left_out, lost, link)

    async def watch(self, training_id: UUID) -> None:
        """Somebody looks at them: for the next minute they are read every few seconds, while there is more to come."""
        async with self._database.transaction() as connection:
            await metric_readings.watch(connection, training_id)

    async def series(
        self, principal: Principal, training_id: UUID, tag: str, run: str | None = None, *, most: int = POINTS_DEFAULT
    ) -> list[MetricCurve]:
        """The points of a tag, of one run or of each run that has it. Raises `NotFound`."""
        training = await self._training(training_id)
        async with self._database.read() as connection:
            found = await metric_series.of_tag(connection, [training_id], tag, run)
        if training_id not in found:
            where = f" in the run {run}" if run is not None else ""
            raise NotFound(f"{training.project} #{training.number} has no metric {tag}{where} (yet).")
        return [_curve(training, series, most) for series in found[training_id]]

    async def compare(
        self,
        principal: Principal,
        project: str,
        ids: Sequence[UUID],
        tag: str,
        run: str | None = None,
        *,
        most: int = POINTS_DEFAULT,
    ) -> list[MetricCurve]:
        """A tag's points in several trainings of a project; those without it are left out.

        Raises `NotFound` for a training that there is not, and `InvalidInput` for one of another project.
        """
        if len(ids) > MOST_COMPARED:
            raise _wrong("trainings", f"At most {MOST_COMPARED} trainings can be compared; these are {len(ids)}.")
        async with self._database.read() as connection:
            records = {record.training.id: record.training for record in await trainings.by_ids(connection, ids)}
            found = await metric_series.of_tag(connection, ids, tag, run)
        for training_id in ids:
            if training_id not in records:
                raise unknown_training(training_id)
            if records[training_id].project != project:
                other = records[training_id].project
                raise _wrong("trainings", f"The training {training_id} is one of {other}, not of {project}.")
        return [
            _curve(records[training_id], series, most)
            for training_id in dict.fromkeys(ids)
            for series in found.get(training_id, [])
        ]

    async def tags(self, ids: Sequence[UUID]) -> list[tuple[str, str]]:
        """Every run and tag that any of these trainings has, by tag."""
        async with self._database.read() as connection:
            return await metric_series.tags_of_project(connection, ids)

    async def last(self, training_id: UUID, tag: str, run: str | None = None) -> Point | None:
        """The newest value of a tag (in one run, or whichever run wrote it last); None when there is none."""
        name = await self.name(training_id, tag, run)
        return name.last if name else None

    async def name(self, training_id: UUID, tag: str, run: str | None = None) -> MetricName | None:
        """A tag's newest, lowest and highest values (of one run, or of whichever run wrote it last)."""
        async with self._database.read() as connection:
            names = await metric_series.names(connection, training_id)
        wanted = [one for one in names if one.tag == tag and run in (None, one.run)]
        return max(wanted, key=lambda one: one.last.at if one.last else 0.0, default=None)

    async def complete(self, training_id: UUID) -> bool:
        """Whether all that an ended training wrote has been read, or nothing of it can be."""
        training = await self._training(training_id)
        async with self._database.read() as connection:
            reading = await metric_readings.get(connection, training_id)
        return training.state.ended if reading is None else reading.complete

    async def recent(self, principal: Principal, project: str, most: int = MOST_COMPARED) -> list[Measured]:
        """The newest trainings of a project that have any metric, the newest first. Raises `NotFound`."""
        async with self._database.read() as connection:
            project_id = known(await projects.by_name(connection, project), "project", project).id
            names = await metric_series.newest_names(connection, project_id, most)
            records = {one.training.id: one.training for one in await trainings.by_ids(connection, list(names))}
        return [Measured(records[id_], tuple(found)) for id_, found in names.items() if id_ in records]

    async def newest(self, project_id: UUID, most: int = MOST_COMPARED) -> dict[UUID, list[MetricName]]:
        """The metrics of the newest trainings of a project that have any, the newest first."""
        async with self._database.read() as connection:
            return await metric_series.newest_names(connection, project_id, most)

    async def _training(self, training_id: UUID) -> Training:
        async with self._database.read() as connection:
            record = await trainings.by_id(connection, training_id)
        if record is None:
            raise unknown_training(training_id)
        return record.training


NO_STORAGE = "The training has no storage, so it had nowhere to write summaries to."


def _curve(training: Training, series: Series, most: int) -> MetricCurve:
    whole = curve(series.points)
    points = tuple(thinned(whole, most))
    fewer = series.downsampled or len(points) < len(whole)
    return MetricCurve(training.id, training.number, series.run, series.tag, series.count, points, fewer)


def _wrong(field: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError(f"/{field}", detail)])
