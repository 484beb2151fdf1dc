"""A PersistentVolume and the one Claim that may take it, for a storage that a namespace uses."""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.names import slug
from app.k8s.manifests.launch import Manifest

_NOMINAL = "1Gi"
"""A size must be given; neither a directory nor an export is limited by it."""


def volume(namespace: str, labels: Mapping[str, str], storage: str, source: Manifest) -> Manifest:
    """Bound beforehand to `claim`: no other claim can take it. Deleting it leaves the data alone."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": _volume_name(namespace, storage), "labels": dict(labels)},
        "spec": {
            "capacity": {"storage": _NOMINAL},
            "accessModes": ["ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "",
            "volumeMode": "Filesystem",
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": namespace,
                "name": claim_name(storage),
            },
            **source,
        },
    }


def claim(namespace: str, labels: Mapping[str, str], storage: str) -> Manifest:
    """The claim in `namespace`."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": claim_name(storage), "namespace": namespace, "labels": dict(labels)},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "storageClassName": "",
            "volumeName": _volume_name(namespace, storage),
            "resources": {"requests": {"storage": _NOMINAL}},
        },
    }


def claim_name(storage: str) -> str:
    """Of the claim, and of the volume in a pod."""
    return f"storage-{slug(storage)}"


def pod_volume(storage: str) -> Manifest:
    """The claim as a pod names it."""
    return {"name": claim_name(storage), "persistentVolumeClaim": {"claimName": claim_name(storage)}}


def _volume_name(namespace: str, storage: str) -> str:
    return f"{namespace}-{slug(storage)}"
