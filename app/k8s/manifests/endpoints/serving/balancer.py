"""HAProxy before the replicas: it spreads requests, not connections, which is what gRPC needs.

The configuration is one immutable text. What changes, the canary's share, is a variable of the Deployment: so a change
rolls, a new balancer takes connections before an old one stops taking them, and no open one is cut.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from app.domain.endpoints.serving import ServingSpec
from app.domain.endpoints.serving_names import BALANCER, STATS_PORT
from app.domain.endpoints.serving_rules import REPLICAS_MAX
from app.k8s.manifests.endpoints.objects import Place, deployment, selector, service
from app.k8s.manifests.endpoints.pods import restricted_container, restricted_pod
from app.k8s.manifests.endpoints.serving.parts import PORTS, with_protocols
from app.k8s.manifests.launch import Manifest

CONFIG = "haproxy.cfg"
CONFIG_DIR = "/taas/balancer"
DRAIN = 10
"""Seconds for every node to hear that a balancer takes no more connections."""
FINISH = 20
"""Seconds for what is still open then."""
_LEAVE = f"sleep {DRAIN}; kill -USR1 1; sleep {FINISH}"
_ALL_PORTS = {**PORTS, "stats": STATS_PORT}


def config_map(place: Place, spec: ServingSpec) -> Manifest:
    """HAProxy's configuration, named by its content: another content is another object."""
    text = config(place, spec)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": place.metadata(_name_of(text)),
        "immutable": True,
        "data": {CONFIG: text},
    }


def config(place: Place, spec: ServingSpec) -> str:
    """HAProxy's configuration for this serving."""
    text = _template()
    for word, value in {
        "NAME": spec.name,
        "NAMESPACE": place.namespace,
        "DOMAIN": spec.balancing.cluster_domain,
        "PLACES": str(REPLICAS_MAX),
    }.items():
        text = text.replace(f"@{word}@", value)
    return text


def balancers(place: Place, spec: ServingSpec) -> Manifest:
    """Each is ready while it finds at least one replica that answers."""
    container = restricted_container(
        BALANCER,
        spec.balancing.image,
        mounts=[{"name": "config", "mountPath": CONFIG_DIR, "readOnly": True}],
        command=["haproxy", "-W", "-db", "-f", f"{CONFIG_DIR}/{CONFIG}"],
        ports=[{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in _ALL_PORTS.items()],
        readinessProbe={"httpGet": {"path": "/ready", "port": "stats"}, "periodSeconds": 1},
        # SIGUSR1 lets open connections end; kubelet's own signal, which may cut them, comes only after that.
        lifecycle={"preStop": {"exec": {"command": ["sh", "-c", _LEAVE]}}},
        resources={"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "128Mi"}},
    )
    percent = spec.canary.percent if spec.canary else 0
    container["env"].append({"name": "CANARY_PERCENT", "value": str(percent)})
    source = {"name": _name_of(config(place, spec)), "defaultMode": 0o444}
    pod = restricted_pod(container, volumes=[{"name": "config", "configMap": source}])
    pod["terminationGracePeriodSeconds"] = DRAIN + FINISH
    made = deployment(
        place,
        BALANCER,
        pod,
        replicas=spec.balancing.count,
        strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
    )
    scrape = {"prometheus.io/scrape": "true", "prometheus.io/port": str(STATS_PORT)}
    made["spec"]["template"]["metadata"]["annotations"] = scrape
    return made


def address(place: Place) -> Manifest:
    """The serving's address within the cluster."""
    return with_protocols(service(place, BALANCER, BALANCER, _ALL_PORTS))


def door(place: Place) -> Manifest:
    """Who may ask: everybody in the cluster, of the balancer; a model answers only that."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": place.metadata("door"),
        "spec": {
            "podSelector": {"matchLabels": selector(place, BALANCER)},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": [{"protocol": "TCP", "port": port} for port in _ALL_PORTS.values()]}],
        },
    }


def _name_of(text: str) -> str:
    return f"{BALANCER}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


@cache
def _template() -> str:
    return Path(__file__).with_name(CONFIG).read_text(encoding="utf-8")
