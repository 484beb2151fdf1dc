"""Which projects are known to be launchable as they are, so that a busy schedule is not checked anew each time."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from app.domain.catalogue import Storage

MOST = 50_000


@dataclass(frozen=True, slots=True)
class Basis:
    """Everything that the checks of a launch without changes look at, besides the settings of the installation."""

    revision: int
    version_id: UUID | None
    storage: Storage | None


class Checked:
    """Remembers, for each project, on what basis it was found good; of the `most` projects launched last.

    Only what was good is remembered, and a basis that differs in anything is checked again: forgetting, or a second
    process that knows nothing, costs time and never an answer.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._good: OrderedDict[UUID, Basis] = OrderedDict()

    def good(self, project_id: UUID, basis: Basis) -> bool:
        """Whether the project was found good on exactly this basis."""
        if self._good.get(project_id) != basis:
            return False
        self._good.move_to_end(project_id)
        return True

    def remember(self, project_id: UUID, basis: Basis) -> None:
        """It was checked, and nothing was wrong."""
        self._good[project_id] = basis
        self._good.move_to_end(project_id)
        if len(self._good) > self._most:
            self._good.popitem(last=False)
