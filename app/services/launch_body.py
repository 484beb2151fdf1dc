"""A launch as the body that the API would be sent: only what differs from the project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from app.db.codec import to_json
from app.domain.project import Project, RunSpec
from app.domain.training import TrainingSpec
from app.services.freeze import LaunchRequest, RoleOverride

_RESOURCES = ("cpu", "cpu_limit", "memory", "gpu", "shm_size", "ephemeral_storage")


def changed(request: LaunchRequest, project: Project) -> LaunchRequest:
    """The same launch without what the project says anyway."""
    run = project.spec.run
    defaults = {param.name: param.default for param in project.spec.params}
    return replace(
        request,
        version=_unless(request.version, project.spec.version),
        image=_unless(request.image, run.image),
        roles={name: role for name, given in request.roles.items() if (role := _role(name, given, run)) is not None},
        args=_unless(request.args, run.args),
        env={name: value for name, value in request.env.items() if run.env.get(name) != value},
        task_retries=_unless(request.task_retries, run.task_retries),
        max_duration=_unless(request.max_duration, run.max_duration),
        params={name: value for name, value in request.params.items() if defaults.get(name) != value},
    )


def body_of(request: LaunchRequest) -> dict[str, Any]:
    """What `POST …/trainings` takes, without what is empty."""
    roles = {
        name: {
            **({"count": role.count} if role.count is not None else {}),
            **({"resources": dict(role.resources)} if role.resources else {}),
        }
        for name, role in request.roles.items()
    }
    body: dict[str, Any] = {
        "version": request.version,
        "image": request.image,
        "roles": roles or None,
        "args": list(request.args) if request.args is not None else None,
        "env": dict(request.env) or None,
        "params": dict(request.params) or None,
        "task_retries": request.task_retries,
        "max_duration": _iso(request.max_duration),
        "notes": request.notes or None,
    }
    return {name: value for name, value in body.items() if value is not None}


def like(spec: TrainingSpec, project: Project) -> LaunchRequest:
    """A launch of `project` that runs as a training did, as far as a launch can say it."""
    run = spec.run
    roles = {
        name: RoleOverride(role.count, {key: getattr(role.resources, key) for key in _RESOURCES})
        for name, role in run.roles.items()
        if name in project.spec.run.roles
    }
    same_code = spec.algorithm == project.spec.algorithm
    request = LaunchRequest(
        version=spec.version if same_code else None,
        image=run.image,
        roles=roles,
        args=run.args,
        env=run.env,
        params=spec.params,
        task_retries=run.task_retries,
        max_duration=run.max_duration,
    )
    return changed(request, project)


def _role(name: str, given: RoleOverride, run: RunSpec) -> RoleOverride | None:
    if name not in run.roles:
        return given
    role = run.roles[name]
    resources: Mapping[str, str | int | None] = {
        key: value for key, value in given.resources.items() if value != getattr(role.resources, key)
    }
    count = _unless(given.count, role.count)
    return RoleOverride(count, resources) if count is not None or resources else None


def _unless(value: Any, same: Any) -> Any:
    return None if value == same else value


def _iso(span: timedelta | None) -> str | None:
    return None if span is None else str(to_json(span))
