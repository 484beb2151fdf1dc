"""TensorBoards and servings that ended long ago are removed; those that may still do something never."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select, text

from app.cli.retention import going_in_words
from app.db.tables import endpoints
from app.services.retention import RetentionService
from tests.support.projects import make_project
from tests.support.web import Web, settings_for_tests

_ADD = text("""
    INSERT INTO endpoints (id, kind, name, project_id, project, owner_id, created_by, spec, state, namespace_state,
                           desired, starts, launch, intent_gen, seen_gen, ended_at, claimed_until)
    SELECT :id, 'tensorboard', :name, p.id, p.name, p.owner_id, 'ada', '{}', :state, :namespace_state,
           'stopped', :starts, 1, :intent_gen, 1, now() - CAST(:ago AS interval), now() + CAST(:held AS interval)
    FROM projects p WHERE p.name = 'hello'
""")
_OVER = {
    "state": "stopped",
    "namespace_state": "gone",
    "starts": 1,
    "intent_gen": 1,
    "ago": timedelta(days=3),
    "held": timedelta(seconds=-1),
}


@pytest.fixture
async def retention(web: Web, admin: httpx.AsyncClient, tmp_path: Path) -> RetentionService:
    await make_project(admin)
    context = web.context
    settings = settings_for_tests(tmp_path, keep_records=timedelta(days=2))
    return RetentionService(
        context.database, context.storage, context.algorithms.bundles, settings=settings, clock=context.clock
    )


async def add(web: Web, name: str, **but: object) -> UUID:
    id_ = uuid4()
    async with web.context.database.transaction() as connection:
        await connection.execute(_ADD, _OVER | {"id": id_, "name": name} | but)
    return id_


async def names(web: Web) -> set[str]:
    async with web.context.database.read() as connection:
        return set((await connection.execute(select(endpoints.c.name))).scalars())


async def test_what_ended_long_ago_goes_and_the_preview_said_so(web: Web, retention: RetentionService) -> None:
    await add(web, "old")
    await add(web, "failed", state="failed", namespace_state="none", ago=timedelta(days=5))
    await add(web, "young", ago=timedelta(days=1))
    preview = await retention.look()
    assert preview.endpoints.endpoints == 2
    assert preview.endpoints.oldest is not None
    assert "(TAAS_KEEP_RECORDS): 2, the oldest of " in going_in_words(preview)
    await retention.remove()
    assert await names(web) == {"young"}


@pytest.mark.parametrize(
    "but",
    [
        {"state": "running"},
        {"state": "stopping"},
        {"namespace_state": "deleting"},
        {"starts": 2},
        {"intent_gen": 2},
        {"held": timedelta(minutes=1)},
    ],
    ids=["runs", "stops", "namespace is there", "asked to start again", "has a wish unseen", "a worker holds it"],
)
async def test_what_may_still_do_something_stays(web: Web, retention: RetentionService, but: dict[str, object]) -> None:
    await add(web, "busy", **but)
    assert (await retention.look()).endpoints.endpoints == 0
    await retention.remove()
    assert await names(web) == {"busy"}


async def test_more_than_a_batch_goes_in_one_pass(
    web: Web, retention: RetentionService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.retention.ENDPOINTS_BATCH", 2)
    for number in range(5):
        await add(web, f"old-{number}")
    await retention.remove()
    assert await names(web) == set()
