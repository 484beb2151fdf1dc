"""A project's hooks: addresses that a pipeline calls to start a training, and what came of each call."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

DELIVERIES_KEPT = 100
"""Of one hook, with their payloads."""
KEPT_FOR = timedelta(days=30)
KEY_KEPT_FOR = timedelta(days=1)
"""A delivery's id is known at least so long, however many came after it."""
OVERLAP = timedelta(days=1)
"""How long a replaced token or secret is accepted too, unless whoever replaces it says otherwise."""
OVERLAP_MAX = timedelta(days=7)

Scalar = str | int | float | bool


class Signing(StrEnum):
    """How senders prove that a delivery is theirs."""

    NONE = "none"
    STANDARD = "standard"  # Standard Webhooks: webhook-id, -timestamp, -signature
    GITHUB = "github"  # X-Hub-Signature-256


class Outdated(StrEnum):
    """What a delivery came with that was replaced by then and still accepted for a while."""

    TOKEN = "token"
    SECRET = "secret"


class ParamType(StrEnum):
    """What a value has to be before it becomes a parameter, which is always text in the end."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class ParamRule:
    """One parameter: where in the payload it is (a JSON pointer, RFC 6901), what it must be, what it is otherwise."""

    param: str
    path: str
    type: ParamType = ParamType.STRING
    required: bool = True
    default: Scalar | None = None


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook. `hint` is how its token begins.

    `old_until` and `old_secret_until`: until when the token and the secret before the present ones are accepted too.
    """

    id: UUID
    project_id: UUID
    project: str
    owner_id: UUID
    owner: str
    name: str
    hint: str
    signing: Signing
    rules: tuple[ParamRule, ...]
    enabled: bool
    created_by: str
    created_at: datetime
    updated_at: datetime
    old_until: datetime | None = None
    old_secret_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class HookDelivery:
    """One call of a hook. The payload is masked; `status` is that of the answer, None while it is under way."""

    id: UUID
    hook_id: UUID
    received_at: datetime
    key: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    payload: Any = None
    has_payload: bool = False
    payload_note: str = ""
    params: dict[str, str] | None = None
    status: int | None = None
    answer: dict[str, Any] | None = None
    training_id: UUID | None = None
    repeats: int = 0
    replay_of: UUID | None = None
    replayed_by: str | None = None
    outdated: tuple[Outdated, ...] = ()
