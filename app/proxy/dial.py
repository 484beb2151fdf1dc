"""Where an endpoint answers.

The worker has noted the address of the endpoint's Service, and this process connects to it directly: TaaS runs in the
cluster, or on the machine of the local one, where Service addresses can be reached. Somewhere else, only this file
would have to know another way.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.endpoints.endpoint import Endpoint, EndpointState, Kind

PORTS: Mapping[Kind, str] = {Kind.TENSORBOARD: "tensorboard/http"}
"""Which of a kind's addresses is its page."""


def address(endpoint: Endpoint) -> str | None:
    """`host:port`; None while it does not run."""
    if endpoint.state is not EndpointState.RUNNING:
        return None
    return endpoint.addresses.get(PORTS.get(endpoint.kind, ""))
