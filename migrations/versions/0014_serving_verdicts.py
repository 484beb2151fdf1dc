"""what servings with a rule have made of newer models."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "serving_verdicts",
        sa.Column("serving_id", sa.Uuid(), nullable=False),
        sa.Column("training_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("promoted", sa.Boolean(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["serving_id"], ["endpoints.id"], name=op.f("fk_serving_verdicts_serving_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["training_id"], ["trainings.id"], name=op.f("fk_serving_verdicts_training_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("serving_id", "training_id", name=op.f("pk_serving_verdicts")),
    )
    op.create_index("ix_serving_verdicts_training_id", "serving_verdicts", ["training_id"])


def downgrade() -> None:
    op.drop_table("serving_verdicts")
