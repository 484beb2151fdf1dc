"""Where programs ask a serving."""

from __future__ import annotations

from app.domain.endpoints.endpoint import Endpoint
from app.domain.endpoints.serving_names import BALANCER
from app.domain.names import slug


def addresses(endpoint: Endpoint) -> tuple[str | None, str | None]:
    """For REST (up to the model's name) and for gRPC, as other pods write them; None while there is no such place."""
    spec = endpoint.serving
    gateway = spec.balancing.gateway
    if endpoint.namespace is None or endpoint.state.ended:
        return None, None
    if gateway is not None:
        host = f"{slug(spec.name)}.{gateway.domain}"
        return f"http://{host}/v1/models/{spec.name}", f"grpc-{host}"
    host = f"{BALANCER}.{endpoint.namespace}.svc"
    return f"http://{host}:8501/v1/models/{spec.name}", f"{host}:8500"
