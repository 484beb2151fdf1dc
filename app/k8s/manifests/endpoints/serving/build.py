"""All objects of one serving as it is wanted now; writing them again changes only what is different."""

from __future__ import annotations

from app.domain.endpoints.serving import ServingSpec
from app.domain.endpoints.serving_names import BALANCER, GRPC_PORT, LIVE, REST_PORT, STATS_PORT
from app.k8s.manifests.endpoints.objects import EndpointObjects, Place, pull_secret, walls
from app.k8s.manifests.endpoints.serving import around, balancer, models
from app.k8s.manifests.endpoints.serving.parts import slots
from app.k8s.manifests.endpoints.storage import read_only
from app.k8s.manifests.launch import Manifest


def serving(place: Place) -> EndpointObjects:
    """All objects of a serving but its namespace."""
    spec = place.endpoint.serving
    wanted = slots(spec)
    storage = read_only(place, [models.folder(spec, version) for version in wanted.values()])
    return EndpointObjects(
        walls=walls(place, [GRPC_PORT, REST_PORT, STATS_PORT], storage.egress),
        volumes=storage.volumes,
        inside=(
            *pull_secret(place),
            *storage.claims,
            *(models.addresses(place, spec, slot) for slot in wanted),
            *(models.replicas(place, spec, slot, version) for slot, version in wanted.items()),
            *_balancing(place, spec),
            *_around(place, spec),
        ),
    )


def _balancing(place: Place, spec: ServingSpec) -> tuple[Manifest, ...]:
    gateway = spec.balancing.gateway
    if gateway is not None:
        return (around.entrance(place), *around.routes(place, spec, gateway))
    return (
        balancer.door(place),
        balancer.config_map(place, spec),
        balancer.address(place),
        balancer.balancers(place, spec),
        around.budget(place, BALANCER),
    )


def _around(place: Place, spec: ServingSpec) -> tuple[Manifest, ...]:
    scaling = spec.autoscaling
    return (around.budget(place, LIVE), *([around.autoscaler(place, scaling)] if scaling else []))
