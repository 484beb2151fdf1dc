"""The form of one launch: what the project says, to be changed for this training alone."""

from __future__ import annotations

from typing import Any

from app.domain.project import Project
from app.domain.training import TrainingSpec
from app.services.freeze import LaunchRequest, RoleOverride
from app.ui.fields import Sent, span_text
from app.ui.param_form import given_of
from app.ui.project_form import ProjectForm, arguments

_RESOURCES = ("cpu", "memory")


def of_project(project: Project) -> ProjectForm:
    """The form as the project would run it."""
    run = project.spec.run
    fields: dict[str, str] = {
        "version": str(project.spec.version or ""),
        "image": run.image,
        "task_retries": str(run.task_retries),
        "max_duration": span_text(run.max_duration),
    }
    for name, role in run.roles.items():
        fields[f"roles.{name}.count"] = str(role.count)
        fields[f"roles.{name}.gpu"] = str(role.resources.gpu)
        for key in _RESOURCES:
            fields[f"roles.{name}.{key}"] = getattr(role.resources, key)
    return ProjectForm(fields, list(run.args))


def of_request(project: Project, request: LaunchRequest) -> ProjectForm:
    """The form as the project would run it with these changes."""
    form = of_project(project)
    single: dict[str, Any] = {
        "version": request.version,
        "image": request.image,
        "task_retries": request.task_retries,
        "max_duration": None if request.max_duration is None else span_text(request.max_duration),
    }
    for name, role in request.roles.items():
        single[f"roles.{name}.count"] = role.count
        single |= {f"roles.{name}.{key}": value for key, value in role.resources.items() if key in (*_RESOURCES, "gpu")}
    form.fields |= {name: str(value) for name, value in single.items() if value is not None}
    form.args = list(project.spec.run.args if request.args is None else request.args)
    form.env = list(request.env.items())
    return form


def differences(spec: TrainingSpec, project: Project) -> list[str]:
    """In what a training ran otherwise than any launch of the project now can, in sentences."""
    run, now = spec.run, project.spec.run
    found = []
    if spec.algorithm != project.spec.algorithm:
        found.append(f"It ran {spec.algorithm}; the project now uses {project.spec.algorithm}.")
    if run.framework is not now.framework:
        found.append(f"It ran as {run.framework.value}; the project is now {now.framework.value}.")
    if set(run.roles) != set(now.roles):
        found.append(f"It had the roles {', '.join(run.role_names)}; the project has {', '.join(now.role_names)}.")
    if gone := sorted(set(now.env) - set(run.env)):
        found.append(f"The project has got the variables {', '.join(gone)} since; they are set too.")
    if run.storage != now.storage:
        found.append(f"Its storage was {run.storage or 'none'}; now it is {now.storage or 'none'}.")
    return found


def request_of(sent: Sent, project: Project) -> LaunchRequest:
    """What was sent. Raises `InvalidInput` for what cannot be read."""
    roles = {name: _override(sent, name) for name in project.spec.run.roles}
    request = LaunchRequest(
        version=sent.integer("version", "/version"),
        image=sent.text("image") or None,
        roles=roles,
        args=tuple(arguments(sent)),
        env=sent.table("env_name", "env_value", "/env"),
        params=given_of(sent, project.spec),
        task_retries=sent.integer("task_retries", "/task_retries"),
        max_duration=sent.span("max_duration", "/max_duration"),
        notes=sent.text("notes"),
    )
    sent.check()
    return request


def _override(sent: Sent, name: str) -> RoleOverride:
    at = f"/roles/{name}"
    changes: dict[str, Any] = {key: text for key in _RESOURCES if (text := sent.text(f"roles.{name}.{key}"))}
    gpu = sent.integer(f"roles.{name}.gpu", f"{at}/resources/gpu")
    if gpu is not None:
        changes["gpu"] = gpu
    return RoleOverride(sent.integer(f"roles.{name}.count", f"{at}/count"), changes)
