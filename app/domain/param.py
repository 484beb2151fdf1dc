"""A parameter that a project declares: what a launch may give for it, and what it gets when it gives nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

Bound = int | float


class ParamKind(StrEnum):
    """What a value has to be. It reaches the program as text, whatever it is."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Param:
    """One declared parameter. `min` and `max` are of numbers and belong to the range, `choices` are of a choice.

    `default` is the value of a launch that gives none; None: then there is no value, unless `required` refuses that.
    """

    name: str
    type: ParamKind = ParamKind.STRING
    default: str | None = None
    min: Bound | None = None
    max: Bound | None = None
    choices: tuple[str, ...] = ()
    required: bool = False
    help: str = ""

    @property
    def is_numeric(self) -> bool:
        """Whether it can have limits."""
        return self.type in (ParamKind.INTEGER, ParamKind.NUMBER)

    @property
    def allowed(self) -> str:
        """What a value has to be, such as `a whole number from 1 to 10`."""
        match self.type:
            case ParamKind.STRING:
                return "text"
            case ParamKind.BOOLEAN:
                return "true or false"
            case ParamKind.CHOICE:
                return f"one of {', '.join(self.choices)}"
        what = "a whole number" if self.type is ParamKind.INTEGER else "a number"
        if self.min is not None and self.max is not None:
            return f"{what} from {_read(self.min)} to {_read(self.max)}"
        if self.min is not None:
            return f"{what} of at least {_read(self.min)}"
        return what if self.max is None else f"{what} of at most {_read(self.max)}"


def _read(bound: Bound) -> str:
    """As people read it."""
    return f"{bound:,}" if isinstance(bound, int) else str(bound)
