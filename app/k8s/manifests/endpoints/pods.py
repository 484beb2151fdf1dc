"""What the pods of endpoints have in common: they run as nobody in particular, and cannot change what they are."""

from __future__ import annotations

from app.k8s.manifests.jobs import USER
from app.k8s.manifests.launch import Manifest


def restricted_pod(*containers: Manifest, volumes: list[Manifest]) -> Manifest:
    """A pod that Pod Security `restricted` admits, with /tmp as the only place to write."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": list(containers),
        "volumes": [{"name": "tmp", "emptyDir": {}}, *volumes],
    }


def restricted_container(name: str, image: str, *, mounts: list[Manifest], **more: object) -> Manifest:
    """One container of it; HOME is /tmp."""
    return {
        "name": name,
        "image": image,
        "env": [{"name": "HOME", "value": "/tmp"}, {"name": "USER", "value": "taas"}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, *mounts],
        **more,
    }
