"""The JSON API, one file per resource. A new file adds its router here."""

from app.api.routes import (
    algorithms,
    audit,
    cluster,
    follows,
    hooks,
    images,
    logs,
    mail_subscriptions,
    projects,
    registries,
    retention,
    schedules,
    session,
    settings,
    storages,
    tokens,
    trainings,
    users,
    webhooks,
)

ROUTERS = (
    session.router,
    users.router,
    tokens.router,
    algorithms.router,
    images.router,
    registries.router,
    storages.router,
    storages.kinds,
    projects.router,
    schedules.router,
    trainings.router,
    hooks.router,
    follows.router,
    logs.router,
    retention.router,
    cluster.router,
    settings.router,
    audit.router,
    webhooks.router,
    mail_subscriptions.router,
)

__all__ = ["ROUTERS"]
