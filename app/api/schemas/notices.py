"""Webhooks, mail subscriptions and their deliveries over the wire."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticKnownError

from app.api.schemas.base import Duration, Flag, Input, Moment, Name, Output
from app.domain.notice import CHOOSABLE, Delivery, DeliveryState, NoticeKind, Scope, Subscription
from app.domain.subscribing import DESCRIPTION_MAX, SubscriptionDraft
from app.domain.webhook_url import LONGEST

KEEP_OLD_MAX = timedelta(days=7)


def _at_most_a_week(value: timedelta) -> timedelta:
    if value > KEEP_OLD_MAX:
        raise ValueError("must be at most seven days, P7D")
    return value


def _choosable(value: Any) -> Any:
    """Refused as the whole enumeration would, with those named that people may choose."""
    if value not in CHOOSABLE:
        *others, last = (repr(kind.value) for kind in CHOOSABLE)
        raise PydanticKnownError("enum", {"expected": f"{', '.join(others)} or {last}"})
    return value


ChosenKind = Annotated[
    NoticeKind,
    BeforeValidator(_choosable),
    WithJsonSchema({"type": "string", "enum": [kind.value for kind in CHOOSABLE]}),
]
Kinds = Annotated[
    tuple[ChosenKind, ...],
    Field(min_length=1, max_length=20, description=f"Any of {', '.join(kind.value for kind in CHOOSABLE)}."),
]
Url = Annotated[str, Field(min_length=1, max_length=LONGEST, examples=["https://example.com/taas"])]
Address = Annotated[str, Field(min_length=3, max_length=254, examples=["ada@example.com"])]
Description = Annotated[str, Field(max_length=DESCRIPTION_MAX)]
ProjectName = Annotated[Name | None, Field(description="About this project; unset: about all of your own.")]
Everything = Annotated[Flag, Field(description="About everybody's projects; for admins.")]


class _About(Input):
    kinds: Kinds
    project: ProjectName = None
    everything: Everything = False
    description: Description = ""

    def draft(self, target: str) -> SubscriptionDraft:
        return SubscriptionDraft(target, self.kinds, self.project, self.everything, self.description)


class WebhookIn(_About):
    url: Url


class MailSubscriptionIn(_About):
    address: Address


class WebhookChangeIn(Input):
    """What is absent stays as it is."""

    url: Url | None = None
    kinds: Kinds | None = None
    description: Description | None = None
    enabled: Flag | None = None


class MailSubscriptionChangeIn(Input):
    """What is absent stays as it is."""

    address: Address | None = None
    kinds: Kinds | None = None
    description: Description | None = None
    enabled: Flag | None = None


class RotateIn(Input):
    keep_old: Annotated[
        Duration,
        AfterValidator(_at_most_a_week),
        Field(description="How long the old secret signs too; at most P7D.", examples=["PT24H"]),
    ] = timedelta(days=1)


class _SubscriptionOut(Output):
    id: UUID
    owner: str
    scope: Scope
    project: str | None
    kinds: tuple[NoticeKind, ...]
    description: str
    enabled: bool
    disabled_at: Moment | None
    disabled_reason: str
    created_at: Moment
    updated_at: Moment


class WebhookOut(_SubscriptionOut):
    url: str
    old_secret_until: Annotated[Moment | None, Field(description="Until then messages carry two signatures.")]

    @classmethod
    def of(cls, subscription: Subscription) -> WebhookOut:
        return cls(url=subscription.target, old_secret_until=subscription.old_secret_until, **_common(subscription))


class NewWebhookOut(WebhookOut):
    secret: Annotated[str, Field(description="What messages are signed with, shown this once.")]

    @classmethod
    def with_secret(cls, subscription: Subscription, secret: str) -> NewWebhookOut:
        return cls(**WebhookOut.of(subscription).model_dump(), secret=secret)


class MailSubscriptionOut(_SubscriptionOut):
    address: str

    @classmethod
    def of(cls, subscription: Subscription) -> MailSubscriptionOut:
        return cls(address=subscription.target, **_common(subscription))


class DeliveryOut(Output):
    id: Annotated[UUID, Field(description="Of the notice; `webhook-id` is `evt_` and this without dashes.")]
    event_id: str
    kind: NoticeKind
    type: str
    state: DeliveryState
    tries: int
    at: Annotated[Moment, Field(description="When it happened.")]
    tried_at: Moment | None
    next_try_at: Moment | None
    status: Annotated[int | None, Field(description="Of the last answer.")]
    answer: Annotated[str, Field(description="The beginning of the last answer, at most 1 KiB.")]
    problem: str
    training_id: UUID | None

    @classmethod
    def of(cls, delivery: Delivery) -> DeliveryOut:
        notice = delivery.notice
        return cls(
            id=notice.id,
            event_id=notice.event_id,
            kind=notice.kind,
            type=notice.kind.type,
            state=delivery.state,
            tries=delivery.tries,
            at=notice.at,
            tried_at=delivery.tried_at,
            next_try_at=delivery.due_at if delivery.state is DeliveryState.PENDING else None,
            status=delivery.status,
            answer=delivery.answer,
            problem=delivery.problem,
            training_id=notice.training_id,
        )


def _common(subscription: Subscription) -> dict[str, Any]:
    return {
        "id": subscription.id,
        "owner": subscription.owner,
        "scope": subscription.scope,
        "project": subscription.project,
        "kinds": subscription.kinds,
        "description": subscription.description,
        "enabled": subscription.disabled_at is None,
        "disabled_at": subscription.disabled_at,
        "disabled_reason": subscription.disabled_reason,
        "created_at": subscription.created_at,
        "updated_at": subscription.updated_at,
    }
