"""Telling of due trainings that did not start, did not succeed in time, or run longer than usual."""

from __future__ import annotations

from datetime import datetime

from app.db import dead_man, notices, records
from app.db.engine import Database
from app.domain import due_sentences
from app.domain.notice import NoticeKind
from app.domain.topology import rfc3339


class DeadManService:
    """Found by one statement over all due times that are still open, and told in the same transaction.

    The training's own events have it too, so that its page says so to whoever has asked for no notice.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self, *, now: datetime | None = None) -> int:
        """Tell what has become worth telling; how many facts that were. `now` is for tests."""
        async with self._database.transaction() as connection:
            alarms = await dead_man.find(connection, now)
            for alarm in alarms:
                for kind, limit in alarm.over.items():
                    message = due_sentences.alarm(kind, alarm.project, alarm.number, limit)
                    told = [(alarm.training_id, message)]
                    await records.add_events(connection, told, reason=kind.capitalize(), severity="warning")
                    data = {
                        "project": alarm.project,
                        "number": alarm.number,
                        "state": alarm.state.value,
                        "scheduled_for": rfc3339(alarm.due_at),
                        "message": message,
                    }
                    await notices.tell(
                        connection,
                        NoticeKind(kind),
                        project_id=alarm.project_id,
                        training_id=alarm.training_id,
                        data=data,
                    )
        return sum(len(alarm.over) for alarm in alarms)
