"""What somebody asks for when they want to be told, and the rules for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.addresses import Network
from app.domain.notice import CHOOSABLE, Channel, NoticeKind, Scope
from app.domain.webhook_url import parse_url
from app.errors import FieldError, InvalidInput

MAIL_PLACE = "mail"
DESCRIPTION_MAX = 200
_ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", re.A)
_ADDRESS_MAX = 254


@dataclass(frozen=True, slots=True)
class SubscriptionDraft:
    """`project` is a name; without one it is about all of one's own projects, or with `everything` about all."""

    target: str
    kinds: Sequence[NoticeKind]
    project: str | None = None
    everything: bool = False
    description: str = ""

    @property
    def scope(self) -> Scope:
        if self.project is not None:
            return Scope.PROJECT
        return Scope.ALL if self.everything else Scope.OWN


def checked_place(channel: Channel, target: str, allowed: Sequence[Network]) -> str:
    """What a target shares with others when it is slow. Raises `InvalidInput` when nothing can be sent there."""
    if channel is Channel.WEBHOOK:
        return parse_url(target, allowed).place
    if not _ADDRESS.fullmatch(target) or len(target) > _ADDRESS_MAX:
        raise wrong("/address", f"{target!r} is not an e-mail address; write it like ada@example.com.")
    return MAIL_PLACE


def checked_kinds(kinds: Sequence[NoticeKind]) -> tuple[NoticeKind, ...]:
    """Each once, in the order of the enumeration. Raises `InvalidInput` when there is none."""
    chosen = tuple(kind for kind in CHOOSABLE if kind in kinds)
    if not chosen or NoticeKind.TEST in kinds:
        raise wrong("/kinds", f"Choose at least one of {', '.join(kind.value for kind in CHOOSABLE)}.")
    return chosen


def checked_description(text: str) -> str:
    if len(text) > DESCRIPTION_MAX:
        raise wrong("/description", f"The description has {len(text):,} characters; use at most {DESCRIPTION_MAX}.")
    return text


def wrong(pointer: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError(pointer, detail)])
