"""Arguments with places in them: `{{ scheduled_for }}`, `{{ number }}` and `{{ params.NAME }}`.

The due time may say how it is to be written, `{{ scheduled_for:%Y-%m-%d }}`, and is then that of its schedule's zone.

Nothing else is looked at: no expressions, no filters. Two opening braces that are meant as such are written
`{{ '{{' }}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from app.domain.cron import zone
from app.domain.topology import rfc3339

PARAM_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")

_PLACE = re.compile(r"\{\{[ \t]*(?P<what>'\{\{'|[^{}]*?)[ \t]*\}\}")
_BRACES = "'{{'"
_DUE = "scheduled_for"
_WRITTEN = re.compile(r"scheduled_for:(?P<format>(?:%[YmdHMSyjGVuz%]|[^%])+)")


class BadTemplate(ValueError):
    """The message is a sentence for the person."""


def fill(
    text: str, *, number: int, scheduled_for: datetime | None, params: Mapping[str, str], timezone: str = "UTC"
) -> str:
    """`text` with every place filled. `scheduled_for` is empty for a training that no schedule started; `timezone` is
    the one of that schedule.

    Raises BadTemplate for an unknown place or a parameter without a value.
    """
    check(text)

    def value(match: re.Match[str]) -> str:
        match match["what"]:
            case "number":
                return str(number)
            case what if what == _DUE:
                return rfc3339(scheduled_for) if scheduled_for else ""
            case what if written := _WRITTEN.fullmatch(what):
                return scheduled_for.astimezone(zone(timezone)).strftime(written["format"]) if scheduled_for else ""
            case what if what == _BRACES:
                return "{{"
            case what:
                return _param(what.removeprefix("params."), params)

    return _PLACE.sub(value, text)


def check(text: str) -> None:
    """Raises BadTemplate unless every place in `text` is one that can be filled."""
    for what in _places(text):
        known = what in ("number", _DUE, _BRACES) or _WRITTEN.fullmatch(what)
        if not known and what.startswith(f"{_DUE}:"):
            raise BadTemplate(
                f"{{{{ {what} }}}} cannot be written; use %Y, %m, %d, %H, %M, %S, %y, %j, %G, %V, %u, %z and %%, as in "
                "{{ scheduled_for:%Y-%m-%d }}."
            )
        if not known and not (what.startswith("params.") and PARAM_NAME.fullmatch(what.removeprefix("params."))):
            raise BadTemplate(
                f"{{{{ {what} }}}} is nothing that can be filled in; use {{{{ scheduled_for }}}}, {{{{ number }}}} or "
                "{{ params.NAME }}, and write {{ '{{' }} for two braces."
            )
    if "{{" in _PLACE.sub("", text):
        raise BadTemplate("There is a {{ without its }}; write {{ '{{' }} for two braces.")


def params_used(texts: tuple[str, ...]) -> set[str]:
    """The names of all parameters that `texts` ask for."""
    return {what.removeprefix("params.") for text in texts for what in _places(text) if what.startswith("params.")}


def _places(text: str) -> Iterator[str]:
    return (match["what"] for match in _PLACE.finditer(text))


def _param(name: str, params: Mapping[str, str]) -> str:
    if name not in params:
        raise BadTemplate(f"The parameter {name} has no value; give it in params.")
    return params[name]
