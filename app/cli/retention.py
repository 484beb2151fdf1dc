"""What retention would remove, in words."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.domain.retention import GoingTrainings, RetentionPreview
from app.domain.sentences import duration


def going_in_words(preview: RetentionPreview) -> str:
    """One line each for records, logs, endpoints, the audit log and bundles."""
    bundles = preview.bundles
    return "\n".join(
        (
            _line("Records", "TAAS_KEEP_RECORDS", preview.keep_records, preview.records),
            _line("Logs of further records", "TAAS_KEEP_LOGS", preview.keep_logs, preview.logs),
            _endpoints(preview),
            _entries(preview),
            f"Bundles of no version, older than a day: {bundles.bundles}, {bundles.size} bytes{_since(bundles.oldest)}",
        )
    )


def _line(what: str, setting: str, keep: timedelta | None, going: GoingTrainings) -> str:
    if keep is None:
        return f"{what}: all are kept ({setting} is not set)"
    size = f"{going.log_bytes} bytes of logs"
    return f"{what} older than {_span(keep)} ({setting}): {going.trainings} trainings, {size}{_since(going.oldest)}"


def _endpoints(preview: RetentionPreview) -> str:
    if preview.keep_records is None:
        return "TensorBoards and servings that ended: all are kept (TAAS_KEEP_RECORDS is not set)"
    going = preview.endpoints
    what = f"TensorBoards and servings that ended longer than {_span(preview.keep_records)} ago (TAAS_KEEP_RECORDS)"
    return f"{what}: {going.endpoints}{_since(going.oldest)}"


def _entries(preview: RetentionPreview) -> str:
    if preview.keep_audit is None:
        return "Audit log: all is kept (TAAS_KEEP_AUDIT is not set)"
    going = preview.audit
    what = f"Entries of the audit log older than {_span(preview.keep_audit)} (TAAS_KEEP_AUDIT)"
    return f"{what}: {going.entries}{_since(going.oldest)}"


def _since(oldest: datetime | None) -> str:
    return f", the oldest of {oldest:%Y-%m-%d %H:%M} UTC" if oldest else ""


def _span(keep: timedelta) -> str:
    days, rest = divmod(keep, timedelta(days=1))
    return f"{days} day{'s' if days > 1 else ''}" if days and not rest else duration(keep)
