"""which trainings of a project have metrics, the newest first."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("metric_series", sa.Column("project_id", sa.Uuid(), nullable=True))
    op.execute("UPDATE metric_series m SET project_id = t.project_id FROM trainings t WHERE t.id = m.training_id")
    op.alter_column("metric_series", "project_id", nullable=False)
    op.create_index(
        "ix_metric_series_measured",
        "metric_series",
        ["project_id", "training_id"],
        postgresql_where=sa.text("number = 0"),
    )


def downgrade() -> None:
    op.drop_index("ix_metric_series_measured", "metric_series")
    op.drop_column("metric_series", "project_id")
