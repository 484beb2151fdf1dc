"""What every kind of endpoint needs around it: its namespace, its walls, its secret, and the labels of it all."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.endpoints.endpoint import Endpoint
from app.domain.names import slug
from app.k8s.manifests import labels
from app.k8s.manifests.launch import Egress, Manifest
from app.k8s.manifests.surroundings import DOCKER_CONFIG, POD_SECURITY_VERSION

PULL_SECRET = "registry"


@dataclass(frozen=True, slots=True)
class EndpointObjects:
    """An endpoint's objects but the namespace. The walls are applied first; volumes are outside of the namespace."""

    walls: Manifest
    volumes: tuple[Manifest, ...]
    inside: tuple[Manifest, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an endpoint's objects are, and who may connect to them.

    `sources` are the networks from which TaaS carries requests there, besides its own pods and the node itself.
    """

    endpoint: Endpoint
    installation: str
    sources: tuple[str, ...] = ()
    pull_secret: Mapping[str, Any] | None = None

    @property
    def namespace(self) -> str:
        return self.endpoint.namespace or ""

    @property
    def labels(self) -> dict[str, str]:
        """What every object of the endpoint carries."""
        return {
            labels.MANAGED_BY: "taas",
            labels.INSTALLATION: self.installation,
            labels.ENDPOINT: str(self.endpoint.id),
            labels.ENDPOINT_KIND: self.endpoint.kind.value,
            labels.PROJECT: slug(self.endpoint.project),
        }

    def metadata(self, name: str, **more: str) -> Manifest:
        """Of an object inside the namespace; `more` are further labels."""
        return {"name": name, "namespace": self.namespace, "labels": {**self.labels, **more}}


def namespace(place: Place) -> Manifest:
    """The endpoint's own namespace, in which only restricted pods may run."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": place.namespace,
            "labels": {
                **place.labels,
                "pod-security.kubernetes.io/enforce": "restricted",
                "pod-security.kubernetes.io/enforce-version": POD_SECURITY_VERSION,
            },
        },
    }


def walls(place: Place, ports: Sequence[int], egress: Sequence[Egress] = ()) -> Manifest:
    """TaaS comes in at `ports`; nothing goes out but to the endpoint's own pods, to DNS and to `egress`."""
    own: Manifest = {"podSelector": {}}
    # Pods that TaaS made for others cannot pass for it: their namespaces carry the installation's label.
    taas: Manifest = {
        "namespaceSelector": {"matchExpressions": [{"key": labels.INSTALLATION, "operator": "DoesNotExist"}]},
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "taas"}},
    }
    dns = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": place.metadata("walls"),
        "spec": {
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {"from": [own]},
                {
                    "from": [taas, *({"ipBlock": {"cidr": source}} for source in place.sources)],
                    "ports": [{"protocol": "TCP", "port": port} for port in ports],
                },
            ],
            "egress": [{"to": [own]}, {"ports": dns}, *(_egress(rule) for rule in egress)],
        },
    }


def pull_secret(place: Place) -> tuple[Manifest, ...]:
    """The registry's login, or nothing."""
    if place.pull_secret is None:
        return ()
    config = json.dumps(place.pull_secret, separators=(",", ":")).encode()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": place.metadata(PULL_SECRET),
        "type": "kubernetes.io/dockerconfigjson",
        "data": {DOCKER_CONFIG: base64.b64encode(config).decode()},
    }
    return (secret,)


def deployment(place: Place, name: str, pod: Manifest, *, replicas: int | None = 1, **spec: Any) -> Manifest:
    """A Deployment of restricted pods; `replicas` None leaves their number to somebody else.

    The generation of the endpoint's spec is on the Deployment alone: it does not by itself replace pods.
    """
    metadata = place.metadata(name, **{labels.WORKLOAD: name})
    metadata["annotations"] = {labels.SPEC_GEN: str(place.endpoint.spec_gen)}
    if place.pull_secret is not None:
        pod = {**pod, "imagePullSecrets": [{"name": PULL_SECRET}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            **({} if replicas is None else {"replicas": replicas}),
            "revisionHistoryLimit": 2,
            "selector": {"matchLabels": selector(place, name)},
            "template": {"metadata": {"labels": {**place.labels, labels.WORKLOAD: name}}, "spec": pod},
            **spec,
        },
    }


def service(place: Place, name: str, workload: str, ports: Mapping[str, int], **spec: Any) -> Manifest:
    """A Service before the ready pods of a Deployment; the worker notes its address as `<name>/<port's name>`."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": place.metadata(name),
        "spec": {
            "selector": selector(place, workload),
            "ports": [
                {"name": port_name, "port": port, "targetPort": port, "protocol": "TCP"}
                for port_name, port in ports.items()
            ],
            **spec,
        },
    }


def selector(place: Place, workload: str) -> dict[str, str]:
    return {labels.ENDPOINT: str(place.endpoint.id), labels.WORKLOAD: workload}


def _egress(rule: Egress) -> Manifest:
    to: Manifest = {"to": [{"ipBlock": {"cidr": rule.cidr}}]}
    return to if rule.port is None else {**to, "ports": [{"protocol": "TCP", "port": rule.port}]}
