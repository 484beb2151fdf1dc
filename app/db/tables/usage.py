"""What tasks use of CPU and memory: apart from `tasks`, as these rows change with every sample."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Integer, Table, Text, Uuid

from app.db.tables.base import metadata, moment

task_usage = Table(
    "task_usage",
    metadata,
    Column("training_id", Uuid, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("index", Integer, primary_key=True),
    Column("attempt", Integer, nullable=False),  # the number of the try that the newest sample is of
    Column("cpu", BigInteger, nullable=False),  # millicores
    Column("memory", BigInteger, nullable=False),  # bytes
    Column("cpu_peak", BigInteger, nullable=False),  # of all samples of all tries
    Column("memory_peak", BigInteger, nullable=False),
    Column("samples", BigInteger, nullable=False, server_default="1"),
    moment("sampled_at", nullable=False),  # by the clock of whoever measured
    ForeignKeyConstraint(
        ["training_id", "role", "index"], ["tasks.training_id", "tasks.role", "tasks.index"], ondelete="CASCADE"
    ),
)

usage_sampling = Table(
    "usage_sampling",  # one row, from the first training on: whose turn it is, and how the last one went
    metadata,
    Column("only", Integer, primary_key=True, server_default="1"),
    moment("due_at", nullable=False),
    moment("sampled_at"),
    Column("problem", Text, nullable=False, server_default=""),  # a sentence with its remedy
    CheckConstraint('"only" = 1', name="only"),
)
