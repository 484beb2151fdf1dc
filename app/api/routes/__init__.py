"""The JSON API, one file per resource. A new file adds its router here."""

from app.api.routes import (
    algorithms,
    images,
    logs,
    projects,
    registries,
    retention,
    session,
    storages,
    tokens,
    trainings,
    users,
)

ROUTERS = (
    session.router,
    users.router,
    tokens.router,
    algorithms.router,
    images.router,
    registries.router,
    storages.router,
    projects.router,
    trainings.router,
    logs.router,
    retention.router,
)

__all__ = ["ROUTERS"]
