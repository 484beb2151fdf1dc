"""What keeps replicas up while nodes are emptied, and their number right; and a Gateway's routes to them."""

from __future__ import annotations

from app.domain.endpoints.serving import Autoscaling, Gateway, ServingSpec
from app.domain.endpoints.serving_names import CANARY, GRPC_PORT, LIVE, REST_PORT
from app.domain.names import slug
from app.k8s.manifests.endpoints.objects import Place, selector
from app.k8s.manifests.endpoints.serving.parts import PORTS
from app.k8s.manifests.launch import Manifest


def budget(place: Place, workload: str) -> Manifest:
    """Emptying a node takes one pod at a time, and waits until it is replaced."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": place.metadata(workload),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": selector(place, workload)}},
    }


def autoscaler(place: Place, scaling: Autoscaling) -> Manifest:
    """Of the live replicas; a canary keeps its number."""
    target = {"type": "Utilization", "averageUtilization": scaling.cpu_percent}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": place.metadata(LIVE),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": LIVE},
            "minReplicas": scaling.least,
            "maxReplicas": scaling.most,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }


def routes(place: Place, spec: ServingSpec, gateway: Gateway) -> tuple[Manifest, ...]:
    """The Gateway balances: one name for REST, one for gRPC, each with both slots by weight."""
    host = f"{slug(spec.name)}.{gateway.domain}"
    return (
        _route(place, spec, gateway, "HTTPRoute", "rest", host, REST_PORT),
        _route(place, spec, gateway, "GRPCRoute", "grpc", f"grpc-{host}", GRPC_PORT),
    )


def entrance(place: Place) -> Manifest:
    """A Gateway's own pods are in a namespace that TaaS does not know: they come to the replicas from anywhere."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": place.metadata("door"),
        "spec": {
            "podSelector": {},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": [{"protocol": "TCP", "port": port} for port in PORTS.values()]}],
        },
    }


def _route(place: Place, spec: ServingSpec, gateway: Gateway, kind: str, name: str, host: str, port: int) -> Manifest:
    percent = spec.canary.percent if spec.canary else 0
    weights = {LIVE: 100 - percent} | ({CANARY: percent} if spec.canary else {})
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": kind,
        "metadata": place.metadata(name),
        "spec": {
            "parentRefs": [{"name": gateway.name, "namespace": gateway.namespace}],
            "hostnames": [host],
            "rules": [
                {"backendRefs": [{"name": slot, "port": port, "weight": weight} for slot, weight in weights.items()]}
            ],
        },
    }
