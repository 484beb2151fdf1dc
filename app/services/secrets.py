"""Sealing everything anew with the newest key."""

from __future__ import annotations

from app.auth.seal import Sealer
from app.db import audit, sealed
from app.db.engine import Database


class SecretService:
    """What is sealed with an older key is opened and sealed again, all in one transaction."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def reseal(self) -> int:
        """How many secrets were sealed anew. Raises `SealBroken` when one cannot be opened; then nothing changes."""

        def again(value: bytes, place: str) -> bytes | None:
            if self._sealer.is_newest(value):
                return None
            return self._sealer.seal(self._sealer.open(value, place), place)

        async with self._database.transaction() as connection:
            changed = await sealed.reseal_all(connection, again)
            await audit.record(connection, "command line", "secrets.reseal", "installation", changed=changed)
        return changed
