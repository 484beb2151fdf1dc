"""What somebody wants a project to be, made whole: defaults filled in, names looked up, everything checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import algorithms, images, storages
from app.domain.names import NAME, NAME_RULE
from app.domain.param import Param
from app.domain.params import check_declared
from app.domain.project import ProjectSpec, RunSpec, Success
from app.domain.project_metric import ProjectMetric, check_metric
from app.domain.schedule import Schedule
from app.domain.validate import check_project, default_success, pointer
from app.errors import FieldError, InvalidInput

NOTES_MAX = 20_000
TAGS_MAX = 20
TAG_MAX = 40
SECRET_MAX = 32 * 1024


@dataclass(frozen=True, slots=True)
class ProjectDraft:
    """A project as somebody describes it.

    `image` None means the catalogue's default for the framework, `success` None the usual rule, `default_storage` the
    installation's default storage instead of `run.storage`. `secrets` sets variables, or removes them (None). `unread`
    is what was written and could not be read; some value that is possible stands in its place, so that everything else
    can be checked with it, and the draft becomes nothing.
    """

    name: str
    algorithm: str
    version: int | None
    run: RunSpec
    image: str | None = None
    success: Success | None = None
    default_storage: bool = False
    running_limit: int | None = None
    schedule: Schedule | None = None
    params: tuple[Param, ...] = ()
    only_declared_params: bool = False
    metric: ProjectMetric | None = None
    notes: str = ""
    tags: tuple[str, ...] = ()
    secrets: Mapping[str, str | None] = field(default_factory=dict)
    unread: tuple[FieldError, ...] = ()

    @property
    def distinct_tags(self) -> tuple[str, ...]:
        """As they are kept: each once, without the spaces around it."""
        return tuple(dict.fromkeys(tag.strip() for tag in self.tags))

    @property
    def secrets_set(self) -> list[str]:
        """The variables that get a value."""
        return [name for name, value in self.secrets.items() if value is not None]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A draft that can become a row."""

    spec: ProjectSpec
    algorithm_id: UUID


async def resolve(connection: AsyncConnection, draft: ProjectDraft, secret_names: tuple[str, ...] = ()) -> Resolved:
    """Look up what `draft` names and check all of it. `secret_names` are the variables sealed so far.

    Raises InvalidInput with every field that is wrong.
    """
    errors = [*draft.unread, *_words(draft)]
    algorithm_id = await _algorithm(connection, draft, errors)
    image = await _image(connection, draft, errors)
    storage = await _storage(connection, draft, errors)
    kept = {*secret_names, *draft.secrets} - {name for name, value in draft.secrets.items() if value is None}
    run = replace(
        draft.run,
        image=image,
        storage=storage,
        success=draft.success or default_success(draft.run.framework, draft.run.roles),
        secret_env=tuple(sorted(kept)),
    )
    spec = ProjectSpec(
        draft.algorithm,
        draft.version,
        run,
        draft.running_limit,
        draft.schedule,
        draft.params,
        draft.only_declared_params,
        draft.metric,
    )
    named = {error.pointer for error in errors}
    found = [*check_project(spec), *check_declared(spec), *(check_metric(spec.metric) if spec.metric else ())]
    errors += [error for error in found if error.pointer not in named]
    if errors or algorithm_id is None:
        raise InvalidInput.of(errors)
    return Resolved(spec, algorithm_id)


def _words(draft: ProjectDraft) -> Iterator[FieldError]:
    if not NAME.fullmatch(draft.name):
        yield FieldError("/name", f"{draft.name!r} cannot be a project's name; {NAME_RULE}.")
    if len(draft.notes) > NOTES_MAX:
        yield FieldError("/notes", f"Notes may have at most {NOTES_MAX:,} characters.")
    if len(draft.tags) > TAGS_MAX:
        yield FieldError("/tags", f"A project may have at most {TAGS_MAX} tags.")
    for index, tag in enumerate(draft.tags):
        if not tag.strip() or len(tag) > TAG_MAX:
            yield FieldError(f"/tags/{index}", f"A tag has 1 to {TAG_MAX} characters.")
    for name, value in draft.secrets.items():
        if value is not None and len(value.encode()) > SECRET_MAX:
            yield FieldError(pointer("secret_env", name), f"A secret may have at most {SECRET_MAX:,} bytes.")


async def _algorithm(connection: AsyncConnection, draft: ProjectDraft, errors: list[FieldError]) -> UUID | None:
    found = await algorithms.get(connection, draft.algorithm)
    if found is None or not await algorithms.hold(connection, found.id):
        errors.append(FieldError("/algorithm", f"There is no algorithm named {draft.algorithm}; upload it first."))
        return None
    if draft.version is not None and not 1 <= draft.version <= found.latest:
        there = f"the versions 1 to {found.latest}" if found.latest > 1 else "version 1 only"
        errors.append(FieldError("/version", f"{draft.algorithm} has {there}; or null for the newest."))
    return found.id


async def _image(connection: AsyncConnection, draft: ProjectDraft, errors: list[FieldError]) -> str:
    if draft.image is not None:
        return draft.image
    default = await images.default_for(connection, draft.run.framework)
    if default is None:
        errors.append(
            FieldError("/image", f"There is no default image for {draft.run.framework}; give an image reference.")
        )
        return ""
    return default.reference


async def _storage(connection: AsyncConnection, draft: ProjectDraft, errors: list[FieldError]) -> str | None:
    if draft.default_storage:
        default = await storages.default(connection)
        return default.name if default else None
    if draft.run.storage is not None and await storages.by_name(connection, draft.run.storage) is None:
        errors.append(FieldError("/storage", f"There is no storage named {draft.run.storage}; see /storages."))
    return draft.run.storage
