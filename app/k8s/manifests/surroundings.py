"""What surrounds a training's tasks: the namespace, its walls, its names, and its secrets."""

from __future__ import annotations

import base64
import json

from app.domain.topology import SERVICE, TF_PORT
from app.k8s.manifests.labels import TRAINING, of_training
from app.k8s.manifests.launch import Egress, Launch, Manifest

SECRET = "secrets"
DOCKER_CONFIG = ".dockerconfigjson"
POD_SECURITY_VERSION = "v1.29"
"""The oldest Kubernetes that TaaS runs on: pinned, so that a cluster's upgrade does not change what is allowed."""


def namespace(launch: Launch) -> Manifest:
    """The training's own namespace, in which only restricted pods may run."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": launch.namespace,
            "labels": {
                **of_training(launch),
                "pod-security.kubernetes.io/enforce": "restricted",
                "pod-security.kubernetes.io/enforce-version": POD_SECURITY_VERSION,
            },
        },
    }


def network_policy(launch: Launch, storages: tuple[Egress, ...]) -> Manifest:
    """Nothing comes in or goes out, but among the training's own pods, to DNS, to storages and to what `launch` adds.

    DNS is allowed at every address: it may be a Service, a cache on the node, or a process beside the cluster.
    """
    own: Manifest = {"podSelector": {}}
    dns = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _metadata(launch, "walls"),
        "spec": {
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [own]}],
            "egress": [{"to": [own]}, {"ports": dns}, *(_egress(rule) for rule in (*storages, *launch.egress))],
        },
    }


def service(launch: Launch) -> Manifest:
    """The headless Service that makes every task resolve as `<role>-<index>.tasks`, before it is ready too."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(launch, SERVICE),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {TRAINING: str(launch.training_id)},
            "ports": [{"name": "tasks", "port": TF_PORT, "protocol": "TCP"}],
        },
    }


def secrets(launch: Launch) -> tuple[Manifest, ...]:
    """One Secret for the registry's credentials and the secret variables, or none: requests are counted."""
    data = {name: value.encode() for name, value in sorted(launch.secret_env.items())}
    if launch.pull_secret is not None:
        data[DOCKER_CONFIG] = json.dumps(launch.pull_secret, separators=(",", ":")).encode()
    if not data:
        return ()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _metadata(launch, SECRET),
        "type": "Opaque" if launch.pull_secret is None else "kubernetes.io/dockerconfigjson",
        "immutable": True,
        "data": {name: base64.b64encode(value).decode() for name, value in data.items()},
    }
    return (secret,)


def _metadata(launch: Launch, name: str) -> Manifest:
    return {"name": name, "namespace": launch.namespace, "labels": of_training(launch)}


def _egress(rule: Egress) -> Manifest:
    to: Manifest = {"to": [{"ipBlock": {"cidr": rule.cidr}}]}
    return to if rule.port is None else {**to, "ports": [{"protocol": "TCP", "port": rule.port}]}
