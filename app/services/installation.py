"""The name by which this installation knows its own objects in a cluster that it may share with others."""

from __future__ import annotations

from app.db import installation
from app.db.engine import Database
from app.db.ids import new_id
from app.domain.names import short_id
from app.settings import Settings


class InstallationName:
    """What the operator set, else a name that is made once and kept in the database."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._name = settings.installation

    async def get(self) -> str:
        """The value of the label `taas.dev/installation`."""
        if self._name is None:
            async with self._database.transaction() as connection:
                self._name = await installation.keep_name(connection, f"taas-{short_id(new_id())}")
        return self._name
