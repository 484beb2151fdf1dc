"""Telling of due trainings that did not start, did not succeed in time, or run longer than usual."""

from __future__ import annotations

from datetime import datetime

from app.db import dead_man, notices
from app.db.engine import Database
from app.domain import due_sentences
from app.domain.notice import NoticeKind


class DeadManService:
    """Found by one statement over all due times that are still open, and told in the same transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self, *, now: datetime | None = None) -> int:
        """Tell what has become worth telling; how many facts that were. `now` is for tests."""
        async with self._database.transaction() as connection:
            alarms = await dead_man.find(connection, now)
            for alarm in alarms:
                for kind in alarm.kinds:
                    data = {
                        "project": alarm.project,
                        "number": alarm.number,
                        "state": alarm.state.value,
                        "scheduled_for": alarm.due_at.isoformat(),
                        "message": due_sentences.alarm(kind, alarm.project, alarm.number),
                    }
                    await notices.tell(
                        connection,
                        NoticeKind(kind),
                        project_id=alarm.project_id,
                        training_id=alarm.training_id,
                        data=data,
                    )
        return sum(len(alarm.kinds) for alarm in alarms)
