"""The form of a project: from a project to what the fields show, and from what was sent to a draft."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from starlette.datastructures import FormData

from app.domain.project import ROLE_ORDER, Framework, Project, Resources, Role, RunSpec, Success, Toleration
from app.domain.project_metric import Better, ProjectMetric
from app.services.drafts import ProjectDraft
from app.ui.fields import Sent, lines_of, span_text
from app.ui.param_form import Row, params_of, rows_of, rows_sent
from app.ui.schedule_form import fields_of, schedule_of

DEFAULTS = RunSpec(Framework.TENSORFLOW, "", {"worker": Role(count=1)})
ROLE_HINTS = {
    "chief": "leads, and saves the model; exactly 1",
    "worker": "computes",
    "ps": "parameter servers; removed at the end",
    "evaluator": "measures beside the training; at most 1",
}
_RESOURCES = ("cpu", "cpu_limit", "memory", "shm_size", "ephemeral_storage")


@dataclass(slots=True)
class ProjectForm:
    """What the fields show: texts as typed, so that a mistake stays where it was made."""

    fields: dict[str, str] = field(default_factory=dict)
    args: list[str] = field(default_factory=list)
    env: list[tuple[str, str]] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    removed: set[str] = field(default_factory=set)
    params: list[Row] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")

    def sent(self) -> Sent:
        """Its single fields, as if somebody had sent them."""
        return Sent(FormData(self.fields))


def blank(algorithm: str, storage: str, zone: str) -> ProjectForm:
    """A new project's form, for somebody in that time zone."""
    form = _of_run(DEFAULTS)
    form.fields |= {"algorithm": algorithm, "storage": storage, "name": algorithm, **fields_of(None, zone)}
    return form


def of_project(project: Project, zone: str) -> ProjectForm:
    """An existing project's form."""
    form = _of_run(project.spec.run)
    form.secrets = list(project.secret_names)
    form.params = rows_of(project.spec.params)
    form.fields |= {
        "name": project.name,
        "algorithm": project.spec.algorithm,
        "version": str(project.spec.version or ""),
        "running_limit": str(project.spec.running_limit or ""),
        "success": project.spec.run.success.value,
        "notes": project.notes,
        "tags": ", ".join(project.tags),
        "revision": str(project.revision),
        "only_declared_params": "yes" if project.spec.only_declared_params else "",
        **_of_metric(project.spec.metric),
        **fields_of(project.spec.schedule, zone),
    }
    return form


def as_sent(sent: Sent, data: list[tuple[str, Any]], secrets: tuple[str, ...] = ()) -> ProjectForm:
    """The form once more with what was typed; new secrets are not shown again."""
    form = ProjectForm(fields={name: sent.raw(name) for name, _ in data})
    form.args = arguments(sent)
    form.env = [pair for pair in zip(sent.all("env_name"), sent.all("env_value"), strict=False) if any(pair)]
    form.secrets = list(secrets)
    form.removed = set(sent.all("secret_remove"))
    form.params = rows_sent(sent)
    return form


def draft_of(sent: Sent) -> ProjectDraft:
    """What was sent as a draft, with what of it cannot be read; what it means is checked elsewhere."""
    framework = _choice(sent, Framework, "framework", Framework.TENSORFLOW)
    run = RunSpec(
        framework=framework,
        image=sent.text("image"),
        roles=_roles(sent),
        args=tuple(arguments(sent)),
        env=sent.table("env_name", "env_value", "/env"),
        storage=sent.text("storage") or None,
        task_retries=sent.integer("task_retries", "/task_retries", 0) or 0,
        max_duration=sent.span("max_duration", "/max_duration"),
        pending_timeout=_span_or(sent, "pending_timeout", DEFAULTS),
        keep_namespace=_span_or(sent, "keep_namespace", DEFAULTS),
        stop_grace=_span_or(sent, "stop_grace", DEFAULTS),
    )
    success = _choice(sent, Success, "success", None) if sent.text("success") else None
    return ProjectDraft(
        name=sent.text("name"),
        algorithm=sent.text("algorithm"),
        version=sent.integer("version", "/version"),
        run=replace(run, success=success) if success else run,
        image=run.image or None,
        success=success,
        running_limit=sent.integer("running_limit", "/running_limit"),
        notes=sent.text("notes"),
        tags=tuple(tag.strip() for tag in sent.text("tags").split(",") if tag.strip()),
        secrets=_secrets(sent),
        schedule=schedule_of(sent),
        params=params_of(sent),
        only_declared_params=sent.text("only_declared_params") == "yes",
        metric=_metric(sent),
        unread=tuple(sent.errors),
    )


def arguments(sent: Sent) -> list[str]:
    """Rows left empty are not arguments."""
    return [arg for arg in sent.all("args") if arg]


def _of_metric(metric: ProjectMetric | None) -> dict[str, str]:
    if metric is None:
        return {}
    return {"metric.tag": metric.tag, "metric.better": metric.better.value, "metric.run": metric.run or ""}


def _metric(sent: Sent) -> ProjectMetric | None:
    """None when no tag is named."""
    if not sent.text("metric.tag"):
        return None
    better = Better.LOWER if sent.text("metric.better") == "lower" else Better.HIGHER
    return ProjectMetric(sent.text("metric.tag"), better, sent.text("metric.run") or None)


def _of_run(run: RunSpec) -> ProjectForm:
    fields = {
        "framework": run.framework.value,
        "image": run.image,
        "storage": run.storage or "",
        "task_retries": str(run.task_retries),
        "max_duration": span_text(run.max_duration),
        "pending_timeout": span_text(run.pending_timeout),
        "keep_namespace": span_text(run.keep_namespace),
        "stop_grace": span_text(run.stop_grace),
    }
    for name in ROLE_ORDER:
        fields |= _of_role(name, run.roles.get(name))
    return ProjectForm(fields, list(run.args), list(run.env.items()))


def _of_role(name: str, role: Role | None) -> dict[str, str]:
    given = role or Role(count=0)
    fields = {
        "count": str(given.count),
        "gpu": str(given.resources.gpu),
        "node_selector": lines_of(given.node_selector),
        "tolerations": "\n".join(_toleration_text(one) for one in given.tolerations),
        **{key: getattr(given.resources, key) or "" for key in _RESOURCES},
    }
    return {f"roles.{name}.{key}": value for key, value in fields.items()}


def _roles(sent: Sent) -> dict[str, Role]:
    roles = {}
    for name in ROLE_ORDER:
        at = f"/roles/{name}/count"
        count = sent.integer(f"roles.{name}.count", at, 0) or int(sent.is_wrong(at))
        if count:
            roles[name] = _role(sent, name, count)
    return roles


def _role(sent: Sent, name: str, count: int) -> Role:
    at = f"/roles/{name}"
    texts = {key: sent.text(f"roles.{name}.{key}") for key in _RESOURCES}
    usual = Resources()
    resources = Resources(
        cpu=texts["cpu"] or usual.cpu,
        cpu_limit=texts["cpu_limit"] or None,
        memory=texts["memory"] or usual.memory,
        gpu=sent.integer(f"roles.{name}.gpu", f"{at}/resources/gpu", 0) or 0,
        shm_size=texts["shm_size"] or None,
        ephemeral_storage=texts["ephemeral_storage"] or None,
    )
    lines = sent.text(f"roles.{name}.tolerations").splitlines()
    return Role(
        count=count,
        resources=resources,
        node_selector=sent.pairs(f"roles.{name}.node_selector", f"{at}/node_selector"),
        tolerations=tuple(_toleration(line.strip()) for line in lines if line.strip()),
    )


def _toleration(line: str) -> Toleration:
    """`key=value:Effect` or `key:Effect`, as kubectl writes taints; `*` is every taint."""
    what, _, effect = line.partition(":")
    key, equals, value = what.partition("=")
    if key == "*":
        return Toleration(operator="Exists", effect=effect)
    return Toleration(key, "Equal" if equals else "Exists", value, effect)


def _toleration_text(toleration: Toleration) -> str:
    what = toleration.key or "*"
    if toleration.operator == "Equal":
        what += f"={toleration.value}"
    return f"{what}:{toleration.effect}" if toleration.effect else what


def _secrets(sent: Sent) -> dict[str, str | None]:
    """New values by name, None for what is to go; a value left empty stays as it is."""
    found: dict[str, str | None] = {
        name: value for name, value in sent.table("secret_name", "secret_value", "/secret_env").items() if value
    }
    return found | dict.fromkeys(sent.all("secret_remove"))


def _span_or(sent: Sent, name: str, defaults: RunSpec) -> Any:
    found = sent.span(name, f"/{name}")
    return getattr(defaults, name) if found is None else found


def _choice(sent: Sent, kind: Any, name: str, default: Any) -> Any:
    try:
        return kind(sent.text(name))
    except ValueError:
        sent.wrong(f"/{name}", f"Choose one of {', '.join(one.value for one in kind)}.")
        return default
