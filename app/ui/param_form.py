"""Declared parameters in a project's form, a row each, and their inputs in the form of a launch.

A field cannot say whether it is empty because nothing is given or because an empty text is. So wherever that may differ
there is a second way to say it: a box beside a launch's field of text, and a choice in a project's row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.param import Bound, Param, ParamKind
from app.domain.project import ProjectSpec
from app.domain.template import params_used
from app.ui.fields import Sent

FIELDS = ("name", "type", "default", "min", "max", "choices", "required", "help")
"""Of a row; each is sent as `declared.<field>` once a row, so that the rows keep their order without numbers."""
Row = dict[str, str]
EMPTY = "empty"
"""In the place of `required`: the default is an empty text."""
_NUMBER = re.compile(r"[+-]?([0-9]{1,18}(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Typed:
    """What the fields of a launch hold, by the name of the parameter; `empty` are given as an empty text."""

    values: Mapping[str, str] = field(default_factory=dict)
    empty: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ParamInput:
    """One input of a launch. `options`: a value is chosen, among them perhaps none (the empty one).

    `empty_word` stands beside the box that gives an empty text, where an empty field means something else; `empty`: it
    is ticked.
    """

    name: str
    value: str
    hint: str = ""
    help: str = ""
    options: tuple[tuple[str, str], ...] = ()
    mode: str = "text"  # which keyboard a phone shows
    required: bool = False
    empty_word: str = ""
    empty: bool = False


def rows_of(params: tuple[Param, ...]) -> list[Row]:
    """What the rows of a project's form show."""
    return [
        {
            "name": param.name,
            "type": param.type.value,
            "default": param.default or "",
            "min": "" if param.min is None else str(param.min),
            "max": "" if param.max is None else str(param.max),
            "choices": ", ".join(param.choices),
            "required": "yes" if param.required else EMPTY if param.default == "" else "",
            "help": param.help,
        }
        for param in params
    ]


def rows_sent(sent: Sent) -> list[Row]:
    """The rows as they were typed, without those that nobody filled in."""
    columns = [sent.all(f"declared.{field}") for field in FIELDS]
    rows = [dict(zip(FIELDS, values, strict=True)) for values in zip(*columns, strict=False)]
    return [row for row in rows if any(row[field].strip() for field in FIELDS if field != "type")]


def params_of(sent: Sent) -> tuple[Param, ...]:
    """The declarations. What cannot be read is told of in `sent`; what it means is checked elsewhere."""
    found: list[Param] = []
    for row in rows_sent(sent):
        name = row["name"].strip()
        if not name:
            sent.wrong("/params", "There is a parameter without a name; give it one, or remove the row.")
            continue
        found.append(
            Param(
                name=name,
                type=_kind(sent, name, row["type"]),
                default=row["default"] or ("" if row["required"] == EMPTY else None),
                min=_bound(sent, name, "min", row["min"]),
                max=_bound(sent, name, "max", row["max"]),
                choices=tuple(part.strip() for part in row["choices"].split(",") if part.strip()),
                required=row["required"] == "yes",
                help=row["help"].strip(),
            )
        )
    return tuple(found)


def typed_in(sent: Sent) -> Typed:
    """What a posted form holds."""
    values = zip(sent.all("param_name"), sent.all("param_value"), strict=False)
    return Typed(dict(values), frozenset(sent.all("param_empty")))


def typed_as(given: Mapping[str, str]) -> Typed:
    """What a form holds that gives these."""
    return Typed(given, frozenset(name for name, value in given.items() if not value))


def inputs_of(spec: ProjectSpec, args: tuple[str, ...], typed: Typed) -> list[ParamInput]:
    """What a launch is asked for: the declared parameters in their order, then others that the arguments ask for."""
    declared = [_input(param, typed) for param in spec.params]
    others = params_used(args) - {param.name for param in spec.params}
    return declared + [ParamInput(name, typed.values.get(name, "")) for name in sorted(others)]


def given_of(sent: Sent, spec: ProjectSpec) -> dict[str, str]:
    """The parameters that a launch's form gives; a declared one whose field is empty is given only with its box."""
    declared = {param.name for param in spec.params}
    empty = typed_in(sent).empty
    found = sent.table("param_name", "param_value", "/params")
    for name in sorted(name for name in empty if found.get(name)):
        sent.wrong(f"/params/{name}", f"{name} has a value and is to be empty; clear the field, or untick the box.")
    return {name: value for name, value in found.items() if value or name in empty or name not in declared}


def _input(param: Param, typed: Typed) -> ParamInput:
    value = typed.values.get(param.name, param.default or "")
    if param.type is ParamKind.CHOICE:
        return ParamInput(param.name, value, "", param.help, _options(param, param.choices), required=param.required)
    if param.type is ParamKind.BOOLEAN:
        options = _options(param, ("true", "false"))
        return ParamInput(param.name, value, "", param.help, options, required=param.required)
    if param.type is ParamKind.STRING:
        return _text(param, value, ticked=param.name in typed.empty)
    mode = "numeric" if param.type is ParamKind.INTEGER else "decimal"
    hint = f"{param.allowed}; left empty: {param.default}" if param.default else param.allowed
    return ParamInput(param.name, value, hint, param.help, mode=mode, required=param.required)


def _text(param: Param, value: str, *, ticked: bool) -> ParamInput:
    if param.required:
        return ParamInput(param.name, value, "", param.help, required=True)
    if param.default == "":
        return ParamInput(param.name, value, "may be empty", param.help)
    hint = f"left empty: {param.default}" if param.default else "left empty: not given"
    word = "Empty, not the default" if param.default else "Give an empty text"
    return ParamInput(param.name, value, hint, param.help, empty_word=word, empty=ticked)


def _options(param: Param, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    none = () if param.default is not None else (("", "choose one" if param.required else "not given"),)
    return (*none, *((value, value) for value in values))


def _kind(sent: Sent, name: str, text: str) -> ParamKind:
    try:
        return ParamKind(text)
    except ValueError:
        sent.wrong(f"/params/{name}/type", f"Choose one of {', '.join(ParamKind)}.")
        return ParamKind.STRING


def _bound(sent: Sent, name: str, field: str, text: str) -> Bound | None:
    text = text.strip()
    if not text:
        return None
    if re.fullmatch(r"[+-]?[0-9]{1,18}", text, re.A):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    sent.wrong(f"/params/{name}/{field}", f"{text!r} is not a number; write it in digits, such as 0.5.")
    return None
