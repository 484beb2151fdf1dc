"""Who is told what, and that a fact and its telling are one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select, text, update

from app.context import build_context
from app.db import claims, notices, reconcile
from app.db import subscriptions as subscription_rows
from app.db.engine import Database
from app.db.ids import new_id
from app.db.reconcile import Holder, Outcome
from app.db.tables import notices as notice_rows
from app.db.tables import projects, subscriptions, users
from app.domain.decision import Status
from app.domain.notice import Channel, NoticeKind
from app.domain.training import Reason, State, Training
from tests.support.notices import subscribe, told
from tests.support.trainings import Maker
from tests.support.web import settings_for_tests


@pytest.fixture
async def maker(database: Database, tmp_path: Path) -> Maker:
    return await Maker.create(build_context(settings_for_tests(tmp_path), database))


async def tell(maker: Maker, kind: NoticeKind = NoticeKind.FAILED, **more: object) -> int:
    async with maker.database.transaction() as connection:
        values = {"project_id": maker.project_id, "training_id": new_id(), "data": {"project": maker.name}, **more}
        return await notices.tell(connection, kind, **values)  # type: ignore[arg-type]


async def person(database: Database, role: str = "member") -> UUID:
    id_ = new_id()
    async with database.transaction() as connection:
        await connection.execute(insert(users).values(id=id_, name=f"u{id_.hex}", role=role, password_hash=""))
    return id_


async def test_nothing_is_written_when_nobody_wants_to_know(maker: Maker) -> None:
    assert await tell(maker) == 0
    async with maker.database.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(notice_rows))).scalar_one() == 0


async def test_everybody_whom_it_concerns_is_told(maker: Maker) -> None:
    database = maker.database
    other, admin = await person(database), await person(database, "admin")
    watcher = await subscribe(database, other, project_id=maker.project_id)
    own = await subscribe(database, maker.owner_id)
    everything = await subscribe(database, admin, scope="all")
    await subscribe(database, other)  # of their own projects, and this is not one
    await subscribe(database, other, scope="all")  # an admin once, and no more
    await subscribe(database, maker.owner_id, kinds=["succeeded"])
    disabled = await subscribe(database, maker.owner_id)
    async with database.transaction() as connection:
        await connection.execute(
            update(subscriptions).where(subscriptions.c.id == disabled).values(disabled_at=func.now())
        )
    assert await tell(maker) == 3
    rows = await told(database)
    assert {row["subscription_id"] for row in rows} == {watcher, own, everything}
    assert len({row["notice_id"] for row in rows}) == 1


async def test_a_person_who_may_not_log_in_is_told_nothing(maker: Maker) -> None:
    await subscribe(maker.database, maker.owner_id)
    async with maker.database.transaction() as connection:
        await connection.execute(update(users).values(disabled_at=func.now()))
    assert await tell(maker) == 0


async def test_the_same_fact_is_told_once_by_many_at_once(maker: Maker) -> None:
    await subscribe(maker.database, maker.owner_id)
    assert sum(await asyncio.gather(*(tell(maker, key="late:x") for _ in range(8)))) == 1
    assert await tell(maker, key="late:y") == 1
    assert len(await told(maker.database)) == 2


async def test_what_is_rolled_back_is_not_told(maker: Maker) -> None:
    await subscribe(maker.database, maker.owner_id)
    with pytest.raises(ZeroDivisionError):
        async with maker.database.transaction() as connection:
            await notices.tell(connection, NoticeKind.LATE, project_id=maker.project_id, data={})
            raise ZeroDivisionError
    assert await told(maker.database) == []


async def test_a_subscription_that_is_being_deleted_fails_no_teller(maker: Maker) -> None:
    gone = await subscribe(maker.database, maker.owner_id)
    async with maker.database.transaction() as connection:
        await connection.execute(text("DELETE FROM subscriptions WHERE id = :id"), {"id": gone})
        telling = asyncio.create_task(tell(maker))
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        async with asyncio.timeout(60):
            while not (await connection.execute(waiting)).scalar_one():
                await asyncio.sleep(0.02)
    assert await telling == 0


async def test_a_subscription_that_is_being_changed_keeps_no_teller_waiting(maker: Maker) -> None:
    kept = await subscribe(maker.database, maker.owner_id)
    async with maker.database.transaction() as connection:
        assert await subscription_rows.by_id(connection, Channel.MAIL, kept, lock=True)
        await subscription_rows.disable(connection, kept, "just now")
        assert await tell(maker) == 1
    [row] = await told(maker.database)
    assert row["state"] == "pending"  # whoever is to send it sees that it is disabled


async def test_a_month_later_it_is_forgotten(maker: Maker) -> None:
    await subscribe(maker.database, maker.owner_id)
    await tell(maker)
    await tell(maker, key="new")
    async with maker.database.transaction() as connection:
        old = update(notice_rows).where(notice_rows.c.key != "new").values(at=func.now() - timedelta(days=31))
        await connection.execute(old)
        assert await notices.forget(connection) == 1
    assert [row["key"] for row in await told(maker.database)] == ["new"]


async def write(maker: Maker, training: Training, epoch: int, **status: object) -> Training | None:
    async with maker.database.transaction() as connection:
        outcome = Outcome(replace(Status.of(training), **status))  # type: ignore[arg-type]
        return await reconcile.write(connection, training, outcome, holder=Holder("a", epoch), now=training.created_at)


async def test_a_training_is_told_of_when_its_status_is_written(maker: Maker) -> None:
    await subscribe(maker.database, maker.owner_id)
    training_id = await maker.start()
    async with maker.database.transaction() as connection:
        [claimed] = await claims.claim(connection, worker="a", seconds=60, most=1)
    training: Training | None = claimed.training
    for state, reason in [
        (State.STARTING, None),
        (State.RUNNING, None),
        (State.STARTING, None),  # a node was lost
        (State.RUNNING, None),
        (State.FAILED, Reason.OUT_OF_MEMORY),
    ]:
        assert training is not None
        training = await write(maker, training, claimed.epoch, state=state, reason=reason, message=f"It is {state}.")
    rows = await told(maker.database)
    assert [(row["kind"], row["training_id"]) for row in rows] == [("started", training_id), ("failed", training_id)]
    data = rows[-1]["data"]
    assert (data["project"], data["number"], data["reason"]) == (maker.name, 1, "out_of_memory")
    assert data["message"] == "It is failed."


async def test_a_worker_that_lost_its_claim_tells_nothing(maker: Maker) -> None:
    await subscribe(maker.database, maker.owner_id)
    await maker.start()
    async with maker.database.transaction() as connection:
        [claimed] = await claims.claim(connection, worker="a", seconds=60, most=1)
    assert await write(maker, claimed.training, claimed.epoch - 1, state=State.FAILED) is None
    assert await told(maker.database) == []


async def test_subscriptions_of_a_deleted_project_are_left_in_peace(maker: Maker) -> None:
    """The row of a deleted project stays, and what was told of it is still sent."""
    await subscribe(maker.database, maker.owner_id, project_id=maker.project_id)
    assert await tell(maker) == 1
    async with maker.database.transaction() as connection:
        await connection.execute(update(projects).values(deleted_at=func.now()))
    assert len(await told(maker.database)) == 1
