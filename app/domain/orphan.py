"""What lies in the cluster with this installation's label and belongs to no record any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class OrphanKind(StrEnum):
    """What it is."""

    NAMESPACE = "namespace"
    VOLUME = "volume"


@dataclass(frozen=True, slots=True)
class Orphan:
    """One object. Its label names the owner, of which there is no record, or only one that is over.

    `found_at` is when a worker first saw it so, `looked_at` when it did last. `collect_at`: when it is going to be
    deleted; None: that was asked for already, at `deleting_since`. `stuck`: why the cluster does not come to an end.
    """

    kind: OrphanKind
    name: str
    uid: str
    owner: str  # training or endpoint
    owner_id: UUID | None
    made_at: datetime | None
    deleting_since: datetime | None = None
    stuck: str = ""
    collect_at: datetime | None = None
    found_at: datetime | None = None
    looked_at: datetime | None = None

    @property
    def message(self) -> str:
        """What will happen, in sentences; the moment is `collect_at`."""
        if self.deleting_since is not None:
            return f"Its deletion was asked for. {self.stuck or 'The cluster is still at it.'}"
        kept = " Its files stay on the storage." if self.kind is OrphanKind.VOLUME else ""
        return f"No {self.owner} on record has it, so it is deleted unless one turns up until then.{kept}"
