"""The audit log is cut where somebody asks for it."""

from __future__ import annotations

from sqlalchemy import select, text

from app.db.tables import audit_log
from tests.support.retention import DAY, retaining
from tests.support.web import Web


async def test_the_audit_log_is_cut_where_asked_and_says_so(web: Web) -> None:
    async with web.context.database.transaction() as connection:
        for days in (400, 31, 29):
            add = """
                INSERT INTO audit_log (id, at, actor, action, object)
                VALUES (gen_random_uuid(), now() - make_interval(days => :days), 'ada', 'test', 'test')
            """
            await connection.execute(text(add), {"days": days})
    assert (await retaining(web).look()).audit.entries == 0
    service = retaining(web, keep_audit=30 * DAY)
    preview = await service.look()
    assert (preview.keep_audit, preview.audit.entries) == (30 * DAY, 2)
    await retaining(web).remove()
    assert await ages(web) == [29, 31, 400]
    for _ in range(2):
        await service.remove()
    assert await ages(web) == [29]
    async with web.context.database.read() as connection:
        query = select(audit_log.c.detail).where(audit_log.c.action == "audit.remove")
        assert list((await connection.execute(query)).scalars()) == [{"entries": 2}]


async def ages(web: Web) -> list[int]:
    """Of the entries of the test, in days."""
    async with web.context.database.read() as connection:
        query = "SELECT extract(day FROM now() - at)::int FROM audit_log WHERE action = 'test' ORDER BY 1"
        return list((await connection.execute(text(query))).scalars())
