"""Whether a launch gives what its project declares, and whether a declaration makes sense.

Everything that starts a training passes here by way of `services.freeze`: pages, the API, hooks, schedules, backfills
and projects that follow others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from app.domain import template
from app.domain.hook import ParamType
from app.domain.mapping import Unfit, as_text
from app.domain.param import Bound, Param, ParamKind
from app.domain.project import ProjectSpec
from app.domain.validate import check_params, pointer
from app.errors import FieldError

PARAMS_MAX = 50
CHOICES_MAX = 50
CHOICE_MAX = 200
HELP_MAX = 300
SHOWN = 40
"""Characters of a wrong value that are told."""

_READ_AS = {
    ParamKind.STRING: ParamType.STRING,
    ParamKind.CHOICE: ParamType.STRING,
    ParamKind.INTEGER: ParamType.INTEGER,
    ParamKind.NUMBER: ParamType.NUMBER,
    ParamKind.BOOLEAN: ParamType.BOOLEAN,
}


def filled(declared: Sequence[Param], given: Mapping[str, str]) -> dict[str, str]:
    """What a training gets: the defaults, and what was given in their place or besides."""
    return {param.name: param.default for param in declared if param.default is not None} | dict(given)


def needed(spec: ProjectSpec) -> list[str]:
    """What every launch has to give: what has to be there and has no default."""
    wanted = [param.name for param in spec.params if param.required]
    wanted += sorted(template.params_used(spec.run.args) - set(wanted))
    have = filled(spec.params, {})
    return [name for name in wanted if name not in have]


def check_given(spec: ProjectSpec, args: tuple[str, ...], given: Mapping[str, str]) -> list[FieldError]:
    """What is wrong with the parameters of a launch with these arguments; pointers such as `/params/epochs`."""
    errors = list(_declared(spec, given))
    named = {error.pointer for error in errors}
    others = check_params(args, filled(spec.params, given))
    return errors + [error for error in others if error.pointer not in named]


def check_declared(spec: ProjectSpec) -> list[FieldError]:
    """What is wrong with the declarations of a project; pointers such as `/params/epochs/min`."""
    if len(spec.params) > PARAMS_MAX:
        return [FieldError("/params", f"There are {len(spec.params)} parameters; at most {PARAMS_MAX} are possible.")]
    errors: list[FieldError] = []
    seen: set[str] = set()
    for param in spec.params:
        wrong = _about(param) if param.name not in seen else [("", f"{param.name} is declared twice; leave one out.")]
        errors += [FieldError(pointer("params", param.name, *filter(None, [field])), text) for field, text in wrong]
        if param.required and spec.schedule and param.default is None:
            text = f"Nobody is there to give {param.name} when the schedule starts a training: give it a default."
            errors.append(FieldError(pointer("params", param.name, "required"), text))
        seen.add(param.name)
    if spec.only_declared_params:
        errors += _undeclared(spec.run.args, seen)
    return errors


def _declared(spec: ProjectSpec, given: Mapping[str, str]) -> Iterator[FieldError]:
    for param in spec.params:
        value = given.get(param.name)
        text = _missing(param) if value is None else _misfit(param, value)
        if text:
            yield FieldError(pointer("params", param.name), text)
    known = [param.name for param in spec.params]
    if spec.only_declared_params:
        for name in given:
            if name not in known:
                takes = f"Only {', '.join(known)} can be given" if known else "No parameters can be given"
                yield FieldError(pointer("params", name), f"The project does not declare {name}. {takes}.")


def _missing(param: Param) -> str:
    return f"{param.name} has to be given: {param.allowed}." if param.required and param.default is None else ""


def _misfit(param: Param, value: str) -> str:
    """A sentence when the value is not allowed; else empty."""
    try:
        as_text(value, _READ_AS[param.type])
    except Unfit as exc:
        return f"{param.name} {exc}" if param.type is ParamKind.STRING else _must_be(param, value)
    if param.required and not value:
        return f"{param.name} must not be empty."
    if param.type is ParamKind.CHOICE and value not in param.choices:
        return _must_be(param, value)
    return _must_be(param, value) if param.is_numeric and not _within(param, value) else ""


def _must_be(param: Param, value: str) -> str:
    told = value if len(value) <= SHOWN else f"{value[:SHOWN]}…"
    return f"{param.name} must be {param.allowed}; {told!r} is not."


def _within(param: Param, value: str) -> bool:
    number = Decimal(value)
    return (param.min is None or number >= _exact(param.min)) and (param.max is None or number <= _exact(param.max))


def _exact(bound: Bound) -> Decimal:
    """As it was written: the 0.1 of a person, not the nearest binary fraction."""
    return Decimal(str(bound))


def _about(param: Param) -> Iterator[tuple[str, str]]:
    """Field and sentence of each thing that is wrong with one declaration."""
    if not template.PARAM_NAME.fullmatch(param.name):
        yield "", "Name a parameter with 1 to 63 letters, digits and '_', and no digit first."
    if len(param.help) > HELP_MAX:
        yield "help", f"This has {len(param.help):,} characters; at most {HELP_MAX} are possible."
    limits = list(_limits(param))
    choices = list(_choices(param))
    yield from limits
    yield from choices
    if param.required and param.default is not None:
        yield "required", "With a default it is never missing; leave out one of the two."
    if param.default is not None and not limits and not choices and (text := _misfit(param, param.default)):
        yield "default", text


def _limits(param: Param) -> Iterator[tuple[str, str]]:
    for field, bound in (("min", param.min), ("max", param.max)):
        if bound is None:
            continue
        if not param.is_numeric:
            yield field, f"Only whole numbers and numbers have limits; {param.name} is of the type {param.type}."
        elif param.type is ParamKind.INTEGER and bound != int(bound):
            yield field, f"{param.name} is a whole number, so its limits are whole numbers too; {bound} is not."
    if param.min is not None and param.max is not None and param.min > param.max:
        yield "max", f"{param.max} is below the least value {param.min}; raise it."


def _choices(param: Param) -> Iterator[tuple[str, str]]:
    if param.type is not ParamKind.CHOICE:
        if param.choices:
            yield "choices", f"Only a choice has choices; {param.name} is of the type {param.type}."
        return
    if not 1 <= len(param.choices) <= CHOICES_MAX:
        yield "choices", f"Give 1 to {CHOICES_MAX} values to choose from."
    elif len(set(param.choices)) < len(param.choices):
        yield "choices", "Give each value once."
    elif any(not 1 <= len(choice) <= CHOICE_MAX or "\0" in choice for choice in param.choices):
        yield "choices", f"Each value has 1 to {CHOICE_MAX} characters, and no NUL among them."


def _undeclared(args: tuple[str, ...], declared: set[str]) -> Iterator[FieldError]:
    for index, text in enumerate(args):
        for name in sorted(template.params_used((text,)) - declared):
            detail = f"It asks for the parameter {name}, which is not declared; declare it, or allow others too."
            yield FieldError(pointer("args", str(index)), detail)
