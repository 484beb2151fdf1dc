"""Bodies of /retention."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from app.api.schemas.base import Moment, Output


class GoingTrainingsOut(Output):
    trainings: int
    log_bytes: Annotated[int, Field(description="Of their logs, unpacked.")]
    oldest: Annotated[Moment | None, Field(description="When the first of them ended.")]


class GoingBundlesOut(Output):
    bundles: int
    size: Annotated[int, Field(description="Bytes as stored.")]
    oldest: Annotated[Moment | None, Field(description="When the first of them was written.")]


class GoingEndpointsOut(Output):
    endpoints: int
    oldest: Annotated[Moment | None, Field(description="When the first of them ended.")]


class GoingEntriesOut(Output):
    entries: int
    oldest: Annotated[Moment | None, Field(description="When the first of them was written.")]


class RetentionPreviewOut(Output):
    keep_records: Annotated[timedelta | None, Field(description="ISO 8601; null: records are kept for ever.")]
    keep_logs: Annotated[timedelta | None, Field(description="ISO 8601; null: as long as their record.")]
    keep_audit: Annotated[timedelta | None, Field(description="ISO 8601; null: the audit log is kept for ever.")]
    records: Annotated[GoingTrainingsOut, Field(description="Records that go with all that belongs to them.")]
    logs: Annotated[GoingTrainingsOut, Field(description="Trainings whose logs go and whose record stays.")]
    endpoints: Annotated[GoingEndpointsOut, Field(description="TensorBoards and servings that ended, by keep_records.")]
    bundles: Annotated[GoingBundlesOut, Field(description="Uploaded code that belongs to no version.")]
    audit: Annotated[GoingEntriesOut, Field(description="Entries of the audit log.")]
