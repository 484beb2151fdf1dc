"""/trainings: the records of what ran and runs."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from app.api.deps import Ctx, Listing, Me, Paged, TaskPath
from app.api.idempotency import Made, Once
from app.api.problems import documented
from app.api.schemas.base import INT_MAX, MomentIn
from app.api.schemas.trainings import (
    BulkStopIn,
    BulkStopOut,
    EventOut,
    LeftOut,
    LostNodeOut,
    ManifestsOut,
    NotesIn,
    OutcomeOut,
    TaskEnvironmentOut,
    TaskOut,
    TrainingOut,
)
from app.domain.record import TrainingFilter, TrainingRecord
from app.domain.training import Reason, State, Trigger
from app.errors import NotFound
from app.services.manifests import shown

router = APIRouter(prefix="/trainings", tags=["trainings"])

WAIT_MAX = 60


@router.get("", responses=documented())
async def list_trainings(
    me: Me,
    context: Ctx,
    paging: Paged,
    project: Annotated[str | None, Query(max_length=63)] = None,
    state: Annotated[list[State] | None, Query(max_length=8)] = None,
    trigger: Trigger | None = None,
    created_after: MomentIn | None = None,
    owner: Annotated[str | None, Query(max_length=100, description="Of the project.")] = None,
    algorithm: Annotated[str | None, Query(max_length=63)] = None,
    version: Annotated[int | None, Query(ge=1, le=INT_MAX, description="Of that algorithm.")] = None,
    reason: Annotated[Reason | None, Query(description="Why it ended.")] = None,
) -> Listing[TrainingOut]:
    """The newest first."""
    which = TrainingFilter(project, tuple(state or ()), trigger, created_after, owner, algorithm, version, reason)
    return paging.listing(await context.trainings.page(me, which, paging.request), TrainingOut.of)


@router.post("/stop", responses=documented())
async def stop_trainings(body: BulkStopIn, me: Me, context: Ctx) -> BulkStopOut:
    """Ask several trainings to stop, or all of a project; those that were left alone are named with the reason."""
    if body.project is not None:
        done = await context.trainings.stop_project(me, body.project)
    else:
        done = await context.trainings.stop_many(me, body.ids)
    return BulkStopOut(stopping=done.stopping, left=tuple(LeftOut(id=id_, why=why) for id_, why in done.left))


@router.get("/{training_id:uuid}", response_model=TrainingOut, responses=documented(304, 404))
async def get_training(
    training_id: UUID,
    response: Response,
    me: Me,
    context: Ctx,
    wait: Annotated[
        float | None,
        Query(ge=0, le=WAIT_MAX, description="Answer only when it has changed, or after so many seconds."),
    ] = None,
    if_none_match: Annotated[str | None, Header(max_length=500)] = None,
) -> TrainingOut | Response:
    """One training. `wait` with the last ETag in If-None-Match: at once if it has changed, else 304 in the end."""
    known = _known(if_none_match)
    record = await context.trainings.wait(me, training_id, known, seconds=wait or 0, closing=context.closing)
    if record.revision == known:
        return Response(status_code=304, headers={"ETag": _etag(record)})
    return _answer(record, response)


@router.patch("/{training_id:uuid}", responses=documented(404))
async def annotate_training(training_id: UUID, body: NotesIn, response: Response, me: Me, context: Ctx) -> TrainingOut:
    """Replace its notes; nothing else of a record can be changed."""
    return _answer(await context.trainings.annotate(me, training_id, body.notes), response)


@router.post("/{training_id:uuid}/stop", status_code=202, responses=documented(404))
async def stop_training(training_id: UUID, response: Response, me: Me, context: Ctx) -> TrainingOut:
    """Ask it to stop: SIGTERM, its grace period, then force. Once it has ended this changes nothing."""
    return _answer(await context.trainings.stop(me, training_id), response)


@router.post("/{training_id:uuid}/retry", status_code=202, response_model=TrainingOut, responses=documented(404, 409))
async def retry_training(training_id: UUID, me: Me, context: Ctx, once: Once) -> Response:
    """The same again as a new training, with everything that this one froze."""

    async def retry() -> Made:
        record = await context.launching.retry(me, training_id)
        return Made(TrainingOut.of(record), 202, {"Location": f"/api/v1/trainings/{record.training.id}"})

    return await once.answer(retry)


@router.post("/{training_id:uuid}/release", responses=documented(404, 409))
async def release_training(training_id: UUID, response: Response, me: Me, context: Ctx) -> TrainingOut:
    """Say that nothing of it runs on a lost node any more, so that the next training of its timed project starts."""
    return _answer(await context.trainings.release(me, training_id), response)


@router.get("/{training_id:uuid}/lost-nodes", responses=documented(404))
async def list_lost_nodes(training_id: UUID, me: Me, context: Ctx) -> list[LostNodeOut]:
    """Where something of it may still run after its end; the next training of its timed project waits for these."""
    training = (await context.trainings.get(me, training_id)).training
    return [LostNodeOut(node=node, message=words) for node, words in await context.trainings.unproven(me, training)]


@router.get("/{training_id:uuid}/outcome", responses=documented(404))
async def get_training_outcome(training_id: UUID, me: Me, context: Ctx) -> OutcomeOut:
    """How it ended. Not found until it has, for sensors that can only wait for something to be there."""
    training = (await context.trainings.get(me, training_id)).training
    if not training.state.ended:
        raise NotFound(f"{training.project} #{training.number} has not ended.", code="not_ended")
    return OutcomeOut.model_validate(training)


@router.get("/{training_id:uuid}/tasks", responses=documented(404))
async def list_training_tasks(training_id: UUID, me: Me, context: Ctx, paging: Paged) -> Listing[TaskOut]:
    """By role and index, each with all its tries and what it uses."""
    run = (await context.trainings.get(me, training_id)).training.spec.run
    found = await context.trainings.tasks(me, training_id, paging.request)
    usage = context.usage.of(run, found.items)
    silent = await context.logs.silent(me, training_id, context.clock())
    return paging.listing(found, lambda task: TaskOut.of(task, usage.get(task.key), silent.get(task.key)))


@router.get("/{training_id:uuid}/tasks/{task}/environment", responses=documented(404))
async def get_task_environment(training_id: UUID, task: TaskPath, me: Me, context: Ctx) -> TaskEnvironmentOut:
    """What one task (such as worker-0) was or will be told, its TF_CONFIG among it."""
    env = await context.outlooks.environment_of(me, training_id, task)
    return TaskEnvironmentOut(task=str(task), env=dict(env))


@router.get("/{training_id:uuid}/events", responses=documented(404))
async def list_training_events(training_id: UUID, me: Me, context: Ctx, paging: Paged) -> Listing[EventOut]:
    """What happened, in the order in which it was first told, by TaaS and by Kubernetes."""
    return paging.listing(await context.trainings.events(me, training_id, paging.request), EventOut.model_validate)


@router.get("/{training_id:uuid}/manifests", responses=documented(404))
async def get_training_manifests(training_id: UUID, me: Me, context: Ctx) -> ManifestsOut:
    """The objects that were (or will be) made for it."""
    objects = await context.launching.manifests(me, training_id)
    return ManifestsOut(namespace=objects.namespace["metadata"]["name"], items=shown(objects))


def _answer(record: TrainingRecord, response: Response) -> TrainingOut:
    response.headers["ETag"] = _etag(record)
    return TrainingOut.of(record)


def _etag(record: TrainingRecord) -> str:
    return f'"{record.revision}"'


def _known(if_none_match: str | None) -> str | None:
    return if_none_match.strip().removeprefix("W/").strip('"') if if_none_match else None
