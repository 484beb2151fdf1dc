"""From what was decided about an endpoint to the calls that do it."""

from __future__ import annotations

from app.domain.endpoints.decision import (
    Action,
    Apply,
    CreateNamespace,
    DeleteDeployment,
    DeleteNamespace,
    DeleteVolumes,
)
from app.domain.endpoints.endpoint import Endpoint
from app.k8s.apply_endpoint import EndpointApplier
from app.k8s.manifests.endpoints.objects import namespace
from app.services.endpoint_objects import EndpointBuilder


class EndpointActor:
    """Does one action after the other. Raises ClusterError or another TaasError (try later), or Refused."""

    def __init__(self, applier: EndpointApplier, builder: EndpointBuilder) -> None:
        self._applier = applier
        self._builder = builder

    async def perform(self, endpoint: Endpoint, action: Action) -> dict[str, str]:
        """The addresses that were learnt by it."""
        applier = self._applier
        match action:
            case CreateNamespace():
                await applier.create_namespace(namespace(await self._builder.place(endpoint)))
            case Apply():
                return await applier.apply(await self._builder.objects(endpoint))
            case DeleteDeployment(space, name, uid):
                await applier.delete_deployment(space, name, uid)
            case DeleteNamespace(name, uid):
                await applier.delete_namespace(name, uid)
            case DeleteVolumes():
                await applier.delete_volumes(endpoint.id)
        return {}
