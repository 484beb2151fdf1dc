"""What somebody who types into the search box looks for, and what may be found."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from app.domain.training import Reason, State

QUERY_MAX = 100
ID_DIGITS_MIN = 4
"""Of a training's id, before it is searched for: fewer are more likely a number."""


class HitKind(StrEnum):
    """What was found."""

    PROJECT = "project"
    ALGORITHM = "algorithm"
    TRAINING = "training"
    IMAGE = "image"
    PAGE = "page"


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing: `path` is the address of its page."""

    kind: HitKind
    title: str
    detail: str
    path: str


@dataclass(frozen=True, slots=True)
class Query:
    """What was typed: its words in small letters, a training's number, and the ids that begin as one of the words."""

    words: tuple[str, ...]
    number: int | None = None
    ids: tuple[UUID, UUID] | None = None


def parse(text: str) -> Query:
    """`digits 17`, `digits#17` and `#17` ask for a number; eight hexadecimal digits may begin an id."""
    text = text[:QUERY_MAX].lower()
    words = re.findall(r"[a-z0-9]+", text)
    number = next((int(word) for word in reversed(words) if word.isdigit() and len(word) < 10), None)
    return Query(
        tuple(words) if number is None else tuple(_without(words, str(number))), number, _ids(text.strip(" #"))
    )


def matching_reasons(words: Iterable[str]) -> list[Reason]:
    """The reasons whose words begin so: `memory`, `out of mem`."""
    return [reason for reason in Reason if _begins(words, reason.value.split("_"))]


def matching_states(words: Iterable[str]) -> list[State]:
    """The states whose words begin so: `run`, `timed out`."""
    return [state for state in State if _begins(words, state.value.split("_"))]


def matching_pages(words: Iterable[str], *, admin: bool) -> list[tuple[str, str]]:
    """Title and address of the pages whose titles have words that begin so."""
    pages = PAGES + (ADMIN_PAGES if admin else ())
    return [page for page in pages if _begins(words, re.findall(r"[a-z0-9]+", page[0].lower()))]


PAGES = (
    ("Home", "/"),
    ("Trainings", "/trainings"),
    ("Projects", "/projects"),
    ("New project", "/new/project"),
    ("Calendar of runs and schedules", "/calendar"),
    ("TensorBoards", "/tensorboards"),
    ("Servings", "/servings"),
    ("Algorithms", "/algorithms"),
    ("Upload an algorithm", "/new/algorithm"),
    ("Cluster: nodes", "/cluster"),
    ("Cluster: queue", "/cluster/queue"),
    ("Cluster: namespaces", "/cluster/namespaces"),
    ("Notices, webhooks and mail", "/notices"),
    ("Your account, password and API tokens", "/account"),
    ("Images", "/admin/images"),
    ("Storages", "/admin/storages"),
)
ADMIN_PAGES = (
    ("Users", "/admin/users"),
    ("Registries", "/admin/registries"),
    ("Settings in force", "/admin/settings"),
    ("Audit log", "/admin/audit"),
)


def _begins(words: Iterable[str], of: list[str]) -> bool:
    wanted = list(words)
    return bool(wanted) and all(any(part.startswith(word) for part in of) for word in wanted)


def _without(words: list[str], number: str) -> list[str]:
    """The last such word is the number; an equal one before it belongs to a name."""
    place = len(words) - 1 - [word.lstrip("0") or "0" for word in reversed(words)].index(number)
    return words[:place] + words[place + 1 :]


def _ids(text: str) -> tuple[UUID, UUID] | None:
    """The first and last id that begin with these digits."""
    digits = text.replace("-", "")
    if not ID_DIGITS_MIN <= len(digits) <= 32 or not re.fullmatch(r"[0-9a-f]+", digits):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
