"""A hook's rules as people write them: one line for each parameter.

    dataset  /data/path
    epochs   /epochs  integer  = 3
    note?    /note

A question mark: it may be missing. What follows the equals sign is used when it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.domain.hook import ParamRule, ParamType, Scalar
from app.errors import FieldError, TaasError

_LINE = re.compile(
    r"(?P<param>[^\s?=]+)(?P<maybe>\?)?\s+(?P<path>/\S*)(?:\s+(?P<type>[a-z]+))?\s*(?:=\s*(?P<default>.*))?"
)


@dataclass(slots=True)
class ReadRules:
    """What a form's text says: the rules with the line that each is in, and what cannot be read.

    In the place of a type that there is not stands another one, so that the rest of its rule can be checked.
    """

    rules: list[ParamRule] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    errors: list[FieldError] = field(default_factory=list)


def rules_of(text: str) -> ReadRules:
    read = ReadRules()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            detail = f"Line {number} is not of the form name /path type = default."
            read.errors.append(FieldError("/rules", detail))
            continue
        kind = match["type"] or ParamType.STRING
        if kind not in set(ParamType):
            detail = f"Line {number}: {kind!r} is no type; use one of {', '.join(ParamType)}."
            read.errors.append(FieldError("/rules", detail))
            kind = ParamType.STRING
        read.rules.append(
            ParamRule(match["param"], match["path"], ParamType(kind), not match["maybe"], _default(match["default"]))
        )
        read.lines.append(number)
    return read


def text_of(rules: Sequence[ParamRule]) -> str:
    """What a form shows, so that reading it again gives the same."""
    return "\n".join(_line(rule) for rule in rules)


def said_of(exc: TaasError, lines: Sequence[int] = ()) -> dict[str, str]:
    """Errors by the form's fields; those of single rules and params beside all of them, with which it is.

    `lines` are those that the rules were read from.
    """
    found: dict[str, str] = {}
    for error in exc.errors:
        pointer, text = error.pointer, error.detail
        if place := re.match(r"/rules/(\d+)/", pointer):
            pointer, text = "/rules", f"Line {lines[int(place[1])]}: {text}"
        elif pointer.startswith("/params/"):
            name = pointer.removeprefix("/params/").replace("~1", "/").replace("~0", "~")
            pointer, text = "/params", f"{name}: {text}"
        found[pointer] = f"{found[pointer]} {text}" if pointer in found else text
    return found


def payload_of(text: str) -> Any:
    """What the test box holds. Raises ValueError, with a sentence, unless it is JSON or nothing."""
    try:
        return json.loads(text) if text.strip() else None
    except json.JSONDecodeError as exc:
        raise ValueError(f"This is not JSON from line {exc.lineno}, character {exc.colno} on: {exc.msg}.") from exc
    except RecursionError as exc:
        raise ValueError("This is nested too deeply.") from exc


def _line(rule: ParamRule) -> str:
    default = json.dumps(rule.default) if isinstance(rule.default, bool) else rule.default
    parts = [rule.param + ("" if rule.required else "?"), rule.path]
    parts += [rule.type.value] if rule.type is not ParamType.STRING else []
    return " ".join(parts + ([f"= {default}"] if default is not None else []))


def _default(text: str | None) -> Scalar | None:
    return text if text is None or text.strip() else None
