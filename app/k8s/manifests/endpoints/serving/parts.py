"""The names that a serving's objects call each other by."""

from __future__ import annotations

from app.domain.endpoints.serving import ModelVersion, ServingSpec
from app.domain.endpoints.serving_names import CANARY, GRPC_PORT, LIVE, REST_PORT
from app.k8s.manifests.launch import Manifest

PORTS = {"grpc": GRPC_PORT, "rest": REST_PORT}
_PROTOCOLS = {"grpc": "kubernetes.io/h2c", "rest": "http", "stats": "http"}


def slots(spec: ServingSpec) -> dict[str, ModelVersion]:
    """Each group of replicas that there is to be, and the version it serves."""
    found = {LIVE: spec.version(spec.live)}
    if spec.canary is not None:
        found[CANARY] = spec.version(spec.canary.version)
    return found


def with_protocols(service: Manifest) -> Manifest:
    """Which protocol each port speaks, for a mesh or a Gateway that would have to guess."""
    for port in service["spec"]["ports"]:
        port["appProtocol"] = _PROTOCOLS[port["name"]]
    return service
