"""The JSON API, one file per resource. A new file adds its router here."""

from app.api.routes import algorithms, session, tokens, users

ROUTERS = (session.router, users.router, tokens.router, algorithms.router)

__all__ = ["ROUTERS"]
