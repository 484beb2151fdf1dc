"""What retention would remove, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class GoingTrainings:
    """Trainings that something of goes; `log_bytes` of logs, unpacked; `oldest` is when the first of them ended."""

    trainings: int = 0
    log_bytes: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class GoingBundles:
    """Uploaded code that no version has; `size` in bytes as it is stored, `oldest` is when the first was written."""

    bundles: int = 0
    size: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class GoingEndpoints:
    """TensorBoards and servings; `oldest` is when the first of them ended."""

    endpoints: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class GoingEntries:
    """Entries of the audit log; `oldest` is when the first of them was written."""

    entries: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class RetentionPreview:
    """What would go now; a setting of None keeps it for ever.

    `records` go with their logs, of `logs` the records stay, `endpoints` go by `keep_records`.
    """

    keep_records: timedelta | None
    keep_logs: timedelta | None
    keep_audit: timedelta | None
    records: GoingTrainings
    logs: GoingTrainings
    endpoints: GoingEndpoints
    bundles: GoingBundles
    audit: GoingEntries
