"""The metrics API of an instance: metrics-server runs beside the cluster, and the API server passes requests on to it.

What the API server has to be told for that.
https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
"""

import base64
from typing import Any

from deploy.local.instance import Instance

PORT = 10251
NAME, NAMESPACE = "metrics-server", "kube-system"
HOST = f"{NAME}.{NAMESPACE}.svc"
SERVICES = f"/api/v1/namespaces/{NAMESPACE}/services"
SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices"
APIS = "/apis/apiregistration.k8s.io/v1/apiservices"
_GROUP, _VERSION = "metrics.k8s.io", "v1beta1"
API = f"{_VERSION}.{_GROUP}"


def objects(this: Instance, authority: bytes) -> dict[str, dict[str, Any]]:
    """By the path of their collection: a Service without a selector, where it leads, and the API behind it.

    `authority` is the certificate that metrics-server's own is checked against.
    """
    return {
        SERVICES: {
            "metadata": {"name": NAME},
            "spec": {"ports": [{"name": "https", "port": 443, "targetPort": PORT}]},
        },
        SLICES: {
            "metadata": {"name": NAME, "labels": {"kubernetes.io/service-name": NAME}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [str(this.addresses.node)], "conditions": {"ready": True}}],
            "ports": [{"name": "https", "port": PORT, "protocol": "TCP"}],
        },
        APIS: {
            "metadata": {"name": API},
            "spec": {
                "group": _GROUP,
                "version": _VERSION,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "service": {"name": NAME, "namespace": NAMESPACE},
                "caBundle": base64.b64encode(authority).decode(),
            },
        },
    }
