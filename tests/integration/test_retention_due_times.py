"""Due times are removed as records are, but none that could come up again."""

from __future__ import annotations

from sqlalchemy import text

from tests.support.retention import DAY, retaining
from tests.support.timed import DAY as TIMED
from tests.support.timed import every, make_timed
from tests.support.web import Web


async def test_due_times_go_as_records_do_unless_they_could_come_up_again(web: Web) -> None:
    """Old ones and young ones of a schedule, and an old one that the schedule has not got past."""
    timed = await make_timed(web.context, [every(1)], at=TIMED)
    async with web.context.database.transaction() as connection:
        add = """
            INSERT INTO due_times (project_id, due_at, outcome, message, handled_at)
            VALUES (:project, CAST(:at AS timestamptz) + make_interval(mins => :minute), 'missed', 'why',
                    now() - make_interval(days => :days))
        """
        for minute, days in ((-3, 40), (-2, 31), (-1, 29), (0, 0), (5, 40)):
            values = {"project": timed.project, "at": TIMED, "minute": minute, "days": days}
            await connection.execute(text(add), values)
    await retaining(web).remove()
    assert len(await timed.due_times()) == 5
    await retaining(web, keep_records=30 * DAY).remove()
    left = [int((row["due_at"] - TIMED).total_seconds()) // 60 for row in await timed.due_times()]
    assert left == [-1, 0, 5]
