"""One box for everything that has a name, a number or a reason."""

from __future__ import annotations

from urllib.parse import quote

from app.db import search
from app.db.engine import Database
from app.domain.access import Principal, UserRole
from app.domain.search import Hit, HitKind, matching_pages, matching_reasons, matching_states, parse
from app.domain.training import Training

OF_EACH = 6
"""How many of each kind are found: who needs more types another letter."""
DETAIL_MAX = 120


class SearchService:
    """Everybody sees every record, so everybody finds it; pages for admins only are found by them alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, principal: Principal, text: str) -> list[Hit]:
        """The best first, by kind. Nothing for what has neither letters nor digits."""
        query = parse(text)
        hits: list[Hit] = []
        async with self._database.read() as connection:
            if query.ids is not None:
                hits += map(_training, await search.trainings_between(connection, *query.ids, OF_EACH))
            if query.number is not None:
                found = await search.trainings_numbered(connection, query.words, query.number, OF_EACH)
                hits += map(_training, found)
            named = (*query.words, *([str(query.number)] if query.number is not None else []))
            if named:
                hits += [_project(*one) for one in await search.project_names(connection, named, OF_EACH)]
                hits += [_algorithm(*one) for one in await search.algorithm_names(connection, named, OF_EACH)]
                hits += [_image(*one) for one in await search.image_names(connection, named, OF_EACH)]
            if reasons := matching_reasons(query.words):
                hits += map(_training, await search.trainings_ended(connection, reasons, OF_EACH))
        hits += _lists(query.words)
        admin = principal.role is UserRole.ADMIN
        hits += [Hit(HitKind.PAGE, title, "", path) for title, path in matching_pages(query.words, admin=admin)]
        return list(dict.fromkeys(hits))


def _lists(words: tuple[str, ...]) -> list[Hit]:
    """The list of trainings, with a filter that the words name."""
    reasons = [("reason", reason.value) for reason in matching_reasons(words)]
    states = [("state", state.value) for state in matching_states(words)]
    return [
        Hit(HitKind.PAGE, f"Trainings: {value.replace('_', ' ')}", "", f"/trainings?{name}={value}")
        for name, value in (*states, *reasons)
    ]


def _training(training: Training) -> Hit:
    state = training.state.value.replace("_", " ")
    detail = f"{state}: {training.message}" if training.message else state
    if len(detail) > DETAIL_MAX:
        detail = f"{detail[:DETAIL_MAX]}…"
    return Hit(HitKind.TRAINING, f"{training.project} #{training.number}", detail, f"/trainings/{training.id}")


def _project(name: str, algorithm: str) -> Hit:
    return Hit(HitKind.PROJECT, name, f"runs {algorithm}", f"/projects/{quote(name)}")


def _algorithm(name: str, description: str) -> Hit:
    return Hit(HitKind.ALGORITHM, name, description[:DETAIL_MAX], f"/algorithms/{quote(name)}")


def _image(name: str, reference: str) -> Hit:
    return Hit(HitKind.IMAGE, name, reference[:DETAIL_MAX], f"/admin/images/{quote(name)}")
