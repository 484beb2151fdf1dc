"""From a delivery's payload to a training's parameters: only what the rules name, only as the types allow."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from app.domain.hook import ParamRule, ParamType
from app.domain.masking import HIDDEN
from app.domain.template import PARAM_NAME
from app.domain.validate import pointer
from app.errors import FieldError

RULES_MAX = 50
PATH_MAX = 500
LONGEST = 4096
"""Characters of one parameter."""
_ABSENT = object()
_INTEGER = re.compile(r"[+-]?[0-9]{1,30}")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_WANTED = {
    ParamType.STRING: "text",
    ParamType.INTEGER: "a whole number",
    ParamType.NUMBER: "a number",
    ParamType.BOOLEAN: "true or false",
}


class Unfit(ValueError):
    """A value is not what its rule says; the message is a sentence."""


def params_of(rules: Sequence[ParamRule], payload: Any) -> tuple[dict[str, str], list[FieldError]]:
    """The parameters that `payload` gives, and what is wrong with it; pointers are into the payload."""
    params: dict[str, str] = {}
    errors: list[FieldError] = []
    for rule in rules:
        value = _find(payload, rule.path)
        if value is _ABSENT or value is None:
            if rule.default is not None:
                params[rule.param] = as_text(rule.default, rule.type)
            elif rule.required:
                where = f"at {rule.path}" if rule.path else "at all"
                detail = f"The payload has nothing {where}, where the parameter {rule.param} is taken from."
                errors.append(FieldError(rule.path, detail))
            continue
        try:
            params[rule.param] = as_text(value, rule.type)
        except Unfit as exc:
            errors.append(FieldError(rule.path, f"The parameter {rule.param} {exc}"))
    return params, errors


def check_rules(rules: Sequence[ParamRule]) -> list[FieldError]:
    """What is wrong with a hook's rules; pointers as in its JSON, such as `/rules/0/path`."""
    if len(rules) > RULES_MAX:
        return [FieldError("/rules", f"There are {len(rules)} rules; at most {RULES_MAX} are possible.")]
    errors: list[FieldError] = []
    names: set[str] = set()
    for place, rule in enumerate(rules):
        errors += [FieldError(pointer("rules", str(place), field), text) for field, text in _wrong(rule)]
        if rule.param in names:
            errors.append(FieldError(pointer("rules", str(place), "param"), f"{rule.param} has a rule already."))
        names.add(rule.param)
    return errors


def _find(document: Any, path: str) -> Any:
    """What a JSON pointer leads to; `_ABSENT` where it leads nowhere."""
    for raw in path.split("/")[1:]:
        part = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and part in document:
            document = document[part]
        elif isinstance(document, list) and _INDEX.fullmatch(part) and int(part) < len(document):
            document = document[int(part)]
        else:
            return _ABSENT
    return document


def as_text(value: Any, wanted: ParamType) -> str:
    """The value as a parameter. Text is read as a number or as true and false too, as forms send them. Raises Unfit."""
    if isinstance(value, str):
        return _from_text(value, wanted)
    if wanted is ParamType.BOOLEAN and isinstance(value, bool):
        return "true" if value else "false"
    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole and wanted in (ParamType.INTEGER, ParamType.NUMBER):
        return _from_text(str(value), wanted)
    if wanted is ParamType.NUMBER and isinstance(value, float) and math.isfinite(value):
        return str(value)
    raise Unfit(f"must be {_WANTED[wanted]}.")


def _from_text(value: str, wanted: ParamType) -> str:
    if value == HIDDEN:
        raise Unfit("was hidden when this was kept, so its value is not known any more. Have it sent again.")
    if len(value) > LONGEST:
        raise Unfit(f"has {len(value):,} characters; at most {LONGEST:,} are possible.")
    if "\0" in value:
        raise Unfit("must not contain a NUL character.")
    fits = {
        ParamType.STRING: True,
        ParamType.INTEGER: _INTEGER.fullmatch(value) is not None,
        ParamType.NUMBER: _NUMBER.fullmatch(value) is not None,
        ParamType.BOOLEAN: value in ("true", "false"),
    }
    if not fits[wanted]:
        raise Unfit(f"must be {_WANTED[wanted]}.")
    return value


def _wrong(rule: ParamRule) -> Iterator[tuple[str, str]]:
    if not PARAM_NAME.fullmatch(rule.param):
        yield "param", "Name a parameter with 1 to 63 letters, digits and '_', and no digit first."
    if not _is_pointer(rule.path):
        yield "path", "Give a JSON pointer such as /data/path, or nothing for the whole payload."
    if rule.default is not None:
        try:
            as_text(rule.default, rule.type)
        except Unfit as exc:
            yield "default", f"The value without a payload {exc}"


def _is_pointer(path: str) -> bool:
    whole = path == "" or path.startswith("/")
    return whole and len(path) <= PATH_MAX and "\0" not in path and not re.search(r"~(?![01])", path)
