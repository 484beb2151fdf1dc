"""find projects and algorithms by the words of their names, and trainings by their version and their reason."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_WORDS = "to_tsvector('simple'::regconfig, translate(name, '-_./:@', '      '))"


def upgrade() -> None:
    for table in ("projects", "algorithms"):
        op.create_index(f"ix_{table}_words", table, [sa.text(_WORDS)], postgresql_using="gin")
    op.create_index("ix_trainings_version", "trainings", ["version_id", "id"])
    op.drop_index("ix_trainings_version_id", table_name="trainings")
    op.create_index(
        "ix_trainings_reason", "trainings", ["reason", "id"], postgresql_where=sa.text("reason IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_trainings_reason", table_name="trainings")
    op.create_index("ix_trainings_version_id", "trainings", ["version_id"])
    op.drop_index("ix_trainings_version", table_name="trainings")
    for table in ("projects", "algorithms"):
        op.drop_index(f"ix_{table}_words", table_name=table)
