"""The JSON API, one file per resource. A new file adds its router here."""

from app.api.routes import tokens

ROUTERS = (tokens.router,)

__all__ = ["ROUTERS"]
