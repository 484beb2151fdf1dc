"""Hooks and their deliveries over the wire."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from app.api.schemas.base import Flag, Input, Moment, Name, Output, iso_only
from app.domain.hook import OVERLAP, Hook, HookDelivery, Outdated, ParamRule, ParamType, Signing
from app.domain.mapping import LONGEST, PATH_MAX, RULES_MAX
from app.services.hooks import HookChange, NewSecrets

Secret = Annotated[str, Field(max_length=300, description="What deliveries are signed with. Write-only.")]
Overlap = Annotated[timedelta, BeforeValidator(iso_only)]
Default = StrictBool | StrictInt | StrictFloat | Annotated[StrictStr, Field(max_length=LONGEST)]


class ParamRuleIn(Input):
    """One parameter of the payload."""

    param: Annotated[str, Field(max_length=63, examples=["dataset"])]
    path: Annotated[str, Field(max_length=PATH_MAX, description="A JSON pointer.", examples=["/data/path"])]
    type: ParamType = ParamType.STRING
    required: Flag = True
    default: Annotated[Default | None, Field(description="When the payload has nothing there.")] = None

    def rule(self) -> ParamRule:
        return ParamRule(self.param, self.path, self.type, self.required, self.default)


Rules = Annotated[tuple[ParamRuleIn, ...], Field(max_length=RULES_MAX)]


class HookIn(Input):
    name: Name
    signing: Signing = Signing.NONE
    secret: Secret | None = None
    rules: Rules = ()


class HookChangeIn(Input):
    """What is absent stays as it is."""

    name: Name | None = None
    signing: Signing | None = None
    secret: Secret | None = None
    rules: Rules | None = None
    enabled: Flag | None = None
    overlap: Annotated[
        Overlap, Field(description="How long the secret before is accepted too, when `secret` takes its place.")
    ] = OVERLAP

    def change(self) -> HookChange:
        rules = tuple(rule.rule() for rule in self.rules) if self.rules is not None else None
        return HookChange(self.name, self.signing, self.secret, rules, self.enabled, self.overlap)


class RotateIn(Input):
    """PT0S: the one before ends at once, as it has to when somebody else knows it."""

    overlap: Annotated[
        Overlap, Field(description="How long the one before is accepted too; at most P7D.", examples=["PT24H", "PT0S"])
    ] = OVERLAP


class RotateSecretIn(RotateIn):
    secret: Secret | None = None


class ParamRuleOut(Output):
    param: str
    path: str
    type: ParamType
    required: bool
    default: str | int | float | bool | None


class HookOut(Output):
    id: UUID
    project: str
    name: str
    hint: Annotated[str, Field(description="How its token begins.")]
    signing: Signing
    rules: tuple[ParamRuleOut, ...]
    enabled: bool
    created_by: str
    created_at: Moment
    updated_at: Moment
    old_until: Annotated[Moment | None, Field(description="Until when the token before this one is accepted too.")]
    old_secret_until: Annotated[
        Moment | None, Field(description="Until when deliveries may be signed with the secret before, too.")
    ]


class HookSecretsOut(HookOut):
    """With what is shown this once."""

    token: Annotated[str | None, Field(description="Shown this once; null: as before.")]
    url: Annotated[str | None, Field(description="The address to call, with the token.")]
    secret: Annotated[str | None, Field(description="What to sign with. Shown this once; null: none, or as before.")]

    @classmethod
    def made(cls, hook: Hook, told: NewSecrets, base: str) -> HookSecretsOut:
        url = f"{base}/hooks/{told.token}" if told.token else None
        return cls(**HookOut.model_validate(hook).model_dump(), token=told.token, url=url, secret=told.secret)


class HookDeliveryOut(Output):
    id: UUID
    received_at: Moment
    key: Annotated[str | None, Field(description="The sender's id of it.")]
    headers: dict[str, str]
    payload: Annotated[Any, Field(description="What looks like a secret is hidden.")]
    payload_note: Annotated[str, Field(description="Why the payload was not kept.")]
    params: dict[str, str] | None
    status: Annotated[int | None, Field(description="Of the answer.")]
    answer: dict[str, Any] | None
    training_id: UUID | None
    repeats: Annotated[int, Field(description="How often the same id came again.")]
    replay_of: UUID | None
    replayed_by: str | None
    outdated: Annotated[
        tuple[Outdated, ...], Field(description="Which replaced token or secret it came with, still accepted then.")
    ]

    @classmethod
    def of(cls, delivery: HookDelivery) -> HookDeliveryOut:
        return cls.model_validate(delivery)


class ReplayOut(Output):
    """The answer to the new delivery."""

    training: UUID
    url: str
    page: str
    delivery: UUID


class SnippetOut(Output):
    """How one kind of pipeline calls the hook; the token is left to its environment."""

    name: str
    title: str
    language: str
    note: str
    text: str


class TestIn(Input):
    payload: Annotated[Any, Field(description="As a sender would send it.")] = None


class TestProblemOut(Output):
    pointer: str
    detail: str


class TestOut(Output):
    """What the payload would lead to. Nothing was started."""

    would_start: bool
    params: dict[str, str]
    problems: tuple[TestProblemOut, ...]
