"""Alembic's entry. The application passes a connection in; the command line opens the database of the settings."""

from alembic import context
from sqlalchemy import Connection

from app.db.migrate import run_for_cli
from app.db.tables import metadata


def migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, compare_type=True, compare_server_default=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    run_for_cli(migrate)
