"""The login for the registry that an image comes from, as pods take it."""

from __future__ import annotations

import base64
from typing import Any

from app.auth.seal import Sealer
from app.db import registries
from app.db.engine import Database
from app.domain import names
from app.domain.places import registry_place

DOCKER_HUB = "https://index.docker.io/v1/"


async def pull_secret(database: Database, sealer: Sealer, image: str) -> dict[str, Any] | None:
    """The content of a `.dockerconfigjson`; None when the registry needs no login. Raises `SealBroken`."""
    host = names.registry_host(image)
    async with database.read() as connection:
        login = await registries.login_for(connection, host)
    if login is None:
        return None
    registry, sealed = login
    password = sealer.open(sealed, registry_place(registry.id))
    auth = base64.b64encode(f"{registry.username}:{password}".encode()).decode()
    server = DOCKER_HUB if host == names.DEFAULT_REGISTRY else host
    return {"auths": {server: {"username": registry.username, "password": password, "auth": auth}}}
