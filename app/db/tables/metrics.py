"""What trainings' summaries say: how far each training's files are read, and the series found in them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.db.tables.base import metadata, moment

metric_readings = Table(
    "metric_readings",  # made when a training with a storage begins to run, or ends
    metadata,
    Column("training_id", ForeignKey("trainings.id", ondelete="CASCADE"), primary_key=True),
    moment("due_at", now=True),  # 'infinity': everything is read
    moment("watched_until"),  # somebody looks: read more often
    moment("read_at"),
    Column("complete", Boolean, nullable=False, server_default="false"),  # read after its end; nothing more will come
    Column("problem", Text, nullable=False, server_default=""),  # why it cannot be read
    Column("files", JSONB, nullable=False, server_default="{}"),  # by path: domain.event_file.Position
    Column("left_out", Integer, nullable=False, server_default="0"),  # series and files over the limits
    Column("claim_epoch", BigInteger, nullable=False, server_default="0"),
    moment("claimed_until"),
    Index("ix_metric_readings_due", "due_at", postgresql_where=text("NOT complete")),
)

metric_series = Table(
    "metric_series",
    metadata,
    Column("training_id", ForeignKey("trainings.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # 0, 1, … within the training
    Column("project_id", Uuid, nullable=False),  # of the training
    Column("run", Text, nullable=False),
    Column("tag", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("stride", BigInteger, nullable=False),
    Column("open_values", BigInteger, nullable=False),
    Column("open_kept", Integer, nullable=False),
    *(
        column
        for name in ("last", "lowest", "highest")
        for column in (
            Column(f"{name}_step", BigInteger),
            Column(f"{name}_at", Double),
            Column(f"{name}_value", Double),
        )
    ),
    Column("points", LargeBinary, nullable=False),  # db.metric_points
    UniqueConstraint("training_id", "run", "tag"),
    # Whichever has any has the first: so these are the trainings of a project that have metrics.
    Index("ix_metric_series_measured", "project_id", "training_id", postgresql_where=text("number = 0")),
)
