"""Declared parameters of projects over the wire: by name, in the order of the forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, StrictFloat, StrictInt

from app.api.schemas.base import Flag, Input
from app.domain.mapping import LONGEST
from app.domain.param import Param, ParamKind
from app.domain.params import CHOICE_MAX, CHOICES_MAX, HELP_MAX, PARAMS_MAX

_FARTHEST = 10**18
Limit = Annotated[StrictInt | StrictFloat, Field(ge=-_FARTHEST, le=_FARTHEST)]
Text = Annotated[str, Field(max_length=LONGEST)]


class ParamBody(Input):
    """What a start may give for one parameter. Values are text; here is what the text has to say."""

    type: ParamKind = ParamKind.STRING
    default: Annotated[Text | None, Field(description="Of a start that gives none.", examples=["0.01"])] = None
    min: Annotated[Limit | None, Field(description="Of an integer or a number; allowed itself.")] = None
    max: Annotated[Limit | None, Field(description="Of an integer or a number; allowed itself.")] = None
    choices: Annotated[
        tuple[Annotated[str, Field(max_length=CHOICE_MAX)], ...],
        Field(max_length=CHOICES_MAX, description="Of a choice.", examples=[["adam", "sgd"]]),
    ] = ()
    required: Annotated[Flag, Field(description="A start without it is refused; it has no default then.")] = False
    help: Annotated[str, Field(max_length=HELP_MAX, description="A sentence beside its field.")] = ""


Params = Annotated[
    dict[str, ParamBody],
    Field(
        max_length=PARAMS_MAX,
        description="Declared parameters: each start is checked against them, whatever starts it.",
        examples=[{"lr": {"type": "number", "default": "0.01", "min": 0.0001, "max": 1}}],
    ),
]


def params_of(bodies: Mapping[str, ParamBody]) -> tuple[Param, ...]:
    return tuple(Param(name, **{key: getattr(body, key) for key in _KEYS}) for name, body in bodies.items())


def param_bodies(params: tuple[Param, ...]) -> dict[str, ParamBody]:
    return {param.name: ParamBody.model_construct(**{key: getattr(param, key) for key in _KEYS}) for param in params}


_KEYS = tuple(ParamBody.model_fields)
