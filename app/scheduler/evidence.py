"""Keeping a training's evidence when nobody follows its logs: exit codes and events, which are in rows already."""

from __future__ import annotations

from uuid import UUID


class RowsOnly:
    """There is nothing more to store."""

    async def request(self, training_id: UUID) -> None:
        """Everything is stored already."""

    async def complete(self, training_id: UUID) -> bool:
        return True
