"""The history of a project's settings over the wire."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from app.api.schemas.base import Moment, Output
from app.services.revisions import Edit


class ChangeOut(Output):
    field: Annotated[str, Field(description="A JSON pointer into the settings.", examples=["/roles/worker/count"])]
    before: Annotated[Any, Field(description="Null: there was none.")]
    after: Annotated[Any, Field(description="Null: there is none.")]


class RevisionOut(Output):
    """One edit. Values that look like secrets are hidden; of secret variables only the names were ever kept."""

    revision: int
    at: Moment
    by: Annotated[str | None, Field(description="Null: it was not written down then.")]
    changes: Annotated[
        tuple[ChangeOut, ...] | None, Field(description="Null: the first on record, so there is nothing to compare.")
    ]

    @classmethod
    def of(cls, edit: Edit) -> RevisionOut:
        return cls(**_fields(edit))


class RevisionSettingsOut(RevisionOut):
    settings: dict[str, Any]

    @classmethod
    def of(cls, edit: Edit) -> RevisionSettingsOut:
        return cls(**_fields(edit), settings=dict(edit.revision.settings))


def _fields(edit: Edit) -> dict[str, Any]:
    changes = edit.changes
    return {
        "revision": edit.revision.number,
        "at": edit.revision.at,
        "by": edit.revision.by,
        "changes": tuple(ChangeOut.model_validate(one) for one in changes) if changes is not None else None,
    }
