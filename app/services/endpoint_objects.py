"""What a worker needs to make an endpoint's objects: where they are, who may connect, the registry's login."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.auth.seal import Sealer
from app.db.engine import Database
from app.domain.endpoints.endpoint import Endpoint, Kind
from app.k8s.manifests.endpoints import EndpointObjects, Place
from app.k8s.manifests.endpoints.serving import serving
from app.k8s.manifests.endpoints.tensorboard import tensorboard
from app.services.installation import InstallationName
from app.services.registry_logins import pull_secret
from app.settings import Settings

OBJECTS: Mapping[Kind, Callable[[Place], EndpointObjects]] = {Kind.TENSORBOARD: tensorboard, Kind.SERVING: serving}
"""What each kind of endpoint is made of. PURE functions."""


class EndpointBuilder:
    """Gathers what an endpoint's objects depend on. It may be done again at any time; logins are those of now."""

    def __init__(
        self, database: Database, sealer: Sealer, *, installation: InstallationName, settings: Settings
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._installation = installation
        self._sources = tuple(str(network) for network in settings.apps_networks)

    async def place(self, endpoint: Endpoint) -> Place:
        """Enough for the namespace."""
        return Place(endpoint, await self._installation.get(), self._sources)

    async def objects(self, endpoint: Endpoint) -> EndpointObjects:
        """Everything within. Raises `SealBroken`."""
        login = await pull_secret(self._database, self._sealer, endpoint.spec.image)
        place = Place(endpoint, await self._installation.get(), self._sources, login)
        return OBJECTS[endpoint.kind](place)
