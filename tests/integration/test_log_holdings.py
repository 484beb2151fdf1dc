"""Which logs a worker takes upon itself, and what of them it reads again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import update

from app.db.engine import Database
from app.db.notify import ANYTHING, Listener, Subscription
from app.db.tables import attempts
from app.scheduler import log_holdings
from app.scheduler.log_holdings import LogHoldings
from tests.support.log_rows import add_training


@pytest.fixture
async def listener(database: Database) -> AsyncIterator[Listener]:
    made = Listener(database)
    await made.start()
    await made.connected()
    yield made
    await made.close()


@pytest.fixture
async def holdings(database: Database, listener: Listener) -> AsyncIterator[LogHoldings]:
    made = LogHoldings(database, listener, worker="w1", claim_seconds=60)
    listening = asyncio.create_task(made.listen())
    yield made
    listening.cancel()
    await asyncio.wait({listening})


async def told(hints: Subscription, ids: set[UUID]) -> None:
    """Until hints of them have come; whoever subscribed before has them too."""
    async with asyncio.timeout(10):
        while ids:
            ids = ids - {UUID(id_) for id_ in await hints.take() if id_ != ANYTHING}


async def pods(holdings: LogHoldings) -> dict[UUID, list[str]]:
    """What a look shows."""
    return {id_: [source.pod for source in found] for id_, found in (await holdings.look()).items()}


async def test_only_what_something_was_said_of_is_read_again(
    holdings: LogHoldings, database: Database, listener: Listener
) -> None:
    one, other = await add_training(database, "ns-1"), await add_training(database, "ns-2")
    with listener.subscribe("trainings") as hints:
        await one.attempt("worker", 0, pod="a")
        await other.attempt("worker", 0, pod="b")
        await told(hints, {one.id, other.id})
        assert await pods(holdings) == {one.id: ["a"], other.id: ["b"]}
        await other.attempt("worker", 1, pod="c")
        await told(hints, {other.id})
        assert await pods(holdings) == {other.id: ["b", "c"]}
        assert await pods(holdings) == {}


async def test_a_lost_hint_costs_time_and_nothing_else(
    holdings: LogHoldings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_holdings, "LOOK_AT_ALL_SECONDS", 0.0)  # instead of waiting for it
    one = await add_training(database)
    attempt = await one.attempt("worker", pod="a")
    await holdings.look()
    async with database.transaction() as connection:
        await connection.execute(update(attempts).where(attempts.c.id == attempt).values(state="failed"))
    ((source,),) = (await holdings.look()).values()
    assert source.over


async def test_what_has_no_logs_to_be_had_any_more_is_given_back(
    holdings: LogHoldings, database: Database, listener: Listener
) -> None:
    one = await add_training(database)
    attempt = await one.attempt("worker", pod="a")
    await holdings.look()
    other = LogHoldings(database, listener, worker="w2", claim_seconds=60)
    assert (await other.look(), list(holdings.held)) == ({}, [one.id])
    async with database.transaction() as connection:
        await connection.execute(
            update(attempts).where(attempts.c.id == attempt).values(log_archived_at=attempts.c.created_at)
        )
    holdings.again(one.id)
    assert await holdings.look() == {one.id: []}
    assert holdings.held == {}
    await one.attempt("worker", 0, 2, pod="b")
    assert [source.pod for source in (await other.look())[one.id]] == ["b"]


async def test_a_database_that_is_away_makes_nothing_forgotten(
    holdings: LogHoldings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await add_training(database)
    await one.attempt("worker", pod="a")
    await holdings.look()
    holdings.again(one.id)
    with monkeypatch.context() as away:
        away.setattr(log_holdings.log_claims, "sources", _away)
        with pytest.raises(log_holdings.TaasError):
            await holdings.look()
    assert list(await holdings.look()) == [one.id]


async def _away(*_: object) -> None:
    raise log_holdings.TaasError("away")
