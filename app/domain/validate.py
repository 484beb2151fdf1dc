"""Whether a project can be launched: every rule, each with a sentence that names the allowed range.

Pointers are those of a project's JSON, such as `/roles/worker/count`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from uuid import UUID

from app.domain import names, quantity, template, topology
from app.domain.placement import check_node_selector, check_tolerations
from app.domain.project import Framework, ProjectSpec, Resources, Role, RunSpec, Success
from app.domain.sentences import between
from app.domain.topology import Told, TooMuchToTell
from app.domain.validate_schedule import check_schedule
from app.errors import FieldError

TASKS_MAX = 5_000
GPUS_MAX = 64
RETRIES_MAX = 100
ARGS_MAX = 500
ARGS_BYTES_MAX = 256 * 1024
ENV_MAX = 500
TOLD_BYTES_MAX = 1024 * 1024
MEMORY_MIN = "16Mi"
MEMORY_MAX = "64Ti"
CPU_MAX = "4096"
DURATION_MAX = timedelta(days=366)

_ROLES = {
    Framework.TENSORFLOW: ("chief", "worker", "ps", "evaluator"),
    Framework.PYTORCH: ("worker",),
    Framework.PLAIN: ("worker",),
}
_ALONE = ("chief", "evaluator")
LONGEST_TOLD = Told(training=str(UUID(int=0)), project="x" * 63, number=10**9)


def check_project(spec: ProjectSpec) -> list[FieldError]:
    """What is wrong with a project's settings; empty when nothing is."""
    schedule = check_schedule(spec.schedule) if spec.schedule else []
    return [*check_run(spec.run), *_running_limit(spec.running_limit), *schedule]


def check_run(run: RunSpec) -> list[FieldError]:
    """What is wrong with how a training would run; empty when nothing is."""
    errors = [
        *_image(run.image),
        *(list(_roles(run)) or _success(run)),
        *_args(run.args),
        *_env(run.env, run.secret_env),
        *_retries(run.task_retries),
        *_durations(run),
    ]
    return errors or list(_told(run))


def check_params(args: tuple[str, ...], params: Mapping[str, str]) -> list[FieldError]:
    """Whether `params` give every parameter that the arguments ask for, and nothing that could not be one."""
    errors = [
        FieldError(pointer("params", name), "Name a parameter with 1 to 63 letters, digits and '_', a letter first.")
        for name in params
        if not template.PARAM_NAME.fullmatch(name)
    ]
    errors += [
        FieldError(pointer("params", name), f"The arguments ask for the parameter {name}; give it a value.")
        for name in sorted(template.params_used(args) - params.keys())
    ]
    return errors or list(_filled(args, params))


def check_resources(given: Resources) -> list[FieldError]:
    """What is wrong with what one replica is to get, under `/resources`."""
    return [FieldError(pointer("resources", *path), text) for path, text in _resources(given)]


def default_success(framework: Framework, roles: Mapping[str, Role]) -> Success:
    """The rule for a project that names none."""
    return Success.CHIEF if framework is Framework.TENSORFLOW and "chief" in roles else Success.ALL_WORKERS


def pointer(*path: str) -> str:
    """A JSON pointer (RFC 6901) to a field."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)


def _image(image: str) -> Iterator[FieldError]:
    if not names.is_image(image):
        yield FieldError("/image", "Give an image reference, such as registry.example.com/team/tensorflow:2.21.")


def _roles(run: RunSpec) -> Iterator[FieldError]:
    allowed = _ROLES[run.framework]
    if not run.roles:
        yield FieldError("/roles", "Give at least one role, such as worker.")
        return
    for name, role in run.roles.items():
        if name not in allowed:
            yield FieldError(
                pointer("roles", name),
                f"With {run.framework} {'the roles are' if len(allowed) > 1 else 'the only role is'} "
                f"{', '.join(allowed)}.",
            )
            continue
        yield from _role(name, role)
    if run.framework is Framework.TENSORFLOW and not {"chief", "worker"} & run.roles.keys():
        yield FieldError("/roles", "Nobody would train: add the role worker or chief.")
    if run.total_tasks > TASKS_MAX >= max(role.count for role in run.roles.values()):
        yield FieldError(
            "/roles", f"All roles together have {run.total_tasks:,} tasks; at most {TASKS_MAX:,} are possible."
        )


def _role(name: str, role: Role) -> Iterator[FieldError]:
    most = 1 if name in _ALONE else TASKS_MAX
    if not 1 <= role.count <= most:
        allowed = "exactly 1" if most == 1 else f"1 to {most:,}"
        yield FieldError(pointer("roles", name, "count"), f"{role.count} is not possible; use {allowed}.")
    at = ("roles", name)
    yield from (FieldError(pointer(*at, "resources", *path), text) for path, text in _resources(role.resources))
    yield from (FieldError(pointer(*at, "node_selector", *path), text) for path, text in check_node_selector(role))
    yield from (FieldError(pointer(*at, "tolerations", *path), text) for path, text in check_tolerations(role))


def _resources(given: Resources) -> Iterator[tuple[tuple[str, ...], str]]:
    for field, text, least, most in (
        ("cpu", given.cpu, "1m", CPU_MAX),
        ("cpu_limit", given.cpu_limit, "1m", CPU_MAX),
        ("memory", given.memory, MEMORY_MIN, MEMORY_MAX),
        ("shm_size", given.shm_size, "1Mi", MEMORY_MAX),
        ("ephemeral_storage", given.ephemeral_storage, "1Mi", MEMORY_MAX),
    ):
        if text is not None and not _within(text, least, most):
            yield (field,), f"{text!r} is not possible; use a quantity from {least} to {most}."
    if given.cpu_limit is not None and _more(given.cpu, given.cpu_limit):
        yield ("cpu_limit",), f"The limit {given.cpu_limit} is below the request {given.cpu}; raise it."
    if given.shm_size is not None and _more(given.shm_size, given.memory):
        yield (
            ("shm_size",),
            f"It counts as memory, and {given.shm_size} do not fit into {given.memory}; use less, or more memory.",
        )
    if not 0 <= given.gpu <= GPUS_MAX:
        yield ("gpu",), f"{given.gpu} is not possible; use 0 to {GPUS_MAX} whole devices."


def _success(run: RunSpec) -> Iterator[FieldError]:
    if run.success is Success.CHIEF and "chief" not in run.roles:
        yield FieldError("/success", "There is no chief whose end could count; use all_workers or worker_0.")
    elif run.success is not Success.CHIEF and "worker" not in run.roles:
        yield FieldError("/success", "There is no worker whose end could count; use chief.")
    elif run.success is not Success.CHIEF and run.framework is Framework.TENSORFLOW and "chief" in run.roles:
        yield FieldError("/success", "With a chief the workers of TensorFlow never end by themselves; use chief.")


def _args(args: tuple[str, ...]) -> Iterator[FieldError]:
    if len(args) > ARGS_MAX:
        yield FieldError("/args", f"There are {len(args)} arguments; at most {ARGS_MAX} are possible.")
        return
    if (size := sum(len(text.encode()) + 1 for text in args)) > ARGS_BYTES_MAX:
        yield FieldError(
            "/args", f"All arguments together have {size:,} bytes; at most {ARGS_BYTES_MAX:,} are possible."
        )
    for index, text in enumerate(args):
        if "\0" in text:
            yield FieldError(pointer("args", str(index)), "No argument can hold a NUL character; leave it out.")
        elif len(text.encode()) > topology.VARIABLE_MAX:
            yield FieldError(
                pointer("args", str(index)), f"One argument may have at most {topology.VARIABLE_MAX:,} bytes."
            )
        else:
            try:
                template.check(text)
            except template.BadTemplate as exc:
                yield FieldError(pointer("args", str(index)), str(exc))


def _filled(args: tuple[str, ...], params: Mapping[str, str]) -> Iterator[FieldError]:
    try:
        filled = [template.fill(text, number=10**9, scheduled_for=None, params=params) for text in args]
    except template.BadTemplate:
        return  # told of as a mistake in the arguments
    sizes = [len(text.encode()) for text in filled]
    if any(size > topology.VARIABLE_MAX for size in sizes) or sum(sizes) > ARGS_BYTES_MAX:
        yield FieldError(
            "/params",
            f"With these values the arguments become too long: one may have {topology.VARIABLE_MAX:,} bytes, all "
            f"together {ARGS_BYTES_MAX:,}. Put large values into a file of the algorithm.",
        )


def _env(env: Mapping[str, str], secret_env: tuple[str, ...]) -> Iterator[FieldError]:
    if len(env) + len(secret_env) > ENV_MAX:
        yield FieldError("/env", f"There are more than {ENV_MAX} variables; leave some out.")
        return
    for field, variables in (("env", env), ("secret_env", secret_env)):
        for name in variables:
            if not names.is_env_name(name):
                yield FieldError(
                    pointer(field, name), "Name a variable with letters, digits and '_', and no digit first."
                )
            elif names.is_reserved_env_name(name):
                yield FieldError(pointer(field, name), f"{name} is set by TaaS or by bash itself; use another name.")
    for name, value in env.items():
        if "\0" in value:
            yield FieldError(pointer("env", name), "No variable can hold a NUL character; leave it out.")
    for name in secret_env:
        if name in env:
            yield FieldError(pointer("secret_env", name), f"{name} is in env too; keep it in one of the two.")


def _retries(retries: int) -> Iterator[FieldError]:
    if not 0 <= retries <= RETRIES_MAX:
        yield FieldError("/task_retries", f"{retries} is not possible; use 0 to {RETRIES_MAX}.")


def _running_limit(limit: int | None) -> Iterator[FieldError]:
    if limit is not None and not 1 <= limit <= 1_000:
        yield FieldError("/running_limit", f"{limit} is not possible; use 1 to 1,000, or leave it out.")


def _durations(run: RunSpec) -> Iterator[FieldError]:
    second, nothing = timedelta(seconds=1), timedelta()
    for field, value, least, most in (
        ("max_duration", run.max_duration, second, DURATION_MAX),
        ("pending_timeout", run.pending_timeout, second, timedelta(days=30)),
        ("keep_namespace", run.keep_namespace, nothing, timedelta(days=30)),
        ("stop_grace", run.stop_grace, nothing, timedelta(hours=1)),
    ):
        if value is not None and not least <= value <= most:
            yield FieldError(f"/{field}", f"Use {between(least, most)}.")


def _told(run: RunSpec) -> Iterator[FieldError]:
    """What every task is told has to fit where it travels; a program starts with at most 2 MiB of it."""
    for role in run.role_names:
        try:
            size = len(topology.env_script(run, role, LONGEST_TOLD).encode()) + sum(
                len(arg.encode()) for arg in run.args
            )
        except TooMuchToTell as exc:
            where = next((pointer("env", name) for name in run.env if str(exc).startswith(f"{name} ")), "/roles")
            yield FieldError(where, str(exc))
            return
        if size > TOLD_BYTES_MAX:
            yield FieldError(
                "/env",
                f"Each {role} would be told {size:,} bytes in variables and arguments; at most {TOLD_BYTES_MAX:,} are "
                "possible. Put large values into a file of the algorithm, or use fewer tasks.",
            )
            return


def _within(text: str, least: str, most: str) -> bool:
    try:
        return quantity.parse(least) <= quantity.parse(text) <= quantity.parse(most)
    except ValueError:
        return False


def _more(one: str, other: str) -> bool:
    """Whether `one` is more than `other`; false when either is no quantity, which is reported elsewhere."""
    try:
        return quantity.parse(one) > quantity.parse(other)
    except ValueError:
        return False
