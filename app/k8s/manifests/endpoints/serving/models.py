"""The replicas of a model: a Deployment for what is live, another for a canary, each with its headless Service."""

from __future__ import annotations

import math

from app.domain.endpoints.serving import ModelVersion, ServingSpec
from app.domain.endpoints.serving_names import CANARY
from app.k8s.manifests.endpoints.objects import Place, deployment, selector, service
from app.k8s.manifests.endpoints.pods import restricted_container, restricted_pod
from app.k8s.manifests.endpoints.serving.parts import PORTS, with_protocols
from app.k8s.manifests.endpoints.storage import Folder, ReadOnly, read_only
from app.k8s.manifests.jobs import resources
from app.k8s.manifests.launch import Manifest

MODELS = "/models"
STOP_MARGIN = 20
"""Seconds that a replica gets after its drain, to end what it is at."""
READY_WITHIN = 600
"""Seconds after which a version that does not become ready is reported; what served before goes on serving."""


def folder(spec: ServingSpec, version: ModelVersion) -> Folder:
    """The model's directory, and where a replica finds it: by its version, as TensorFlow Serving looks for it."""
    return Folder(version.storage, version.path, f"{MODELS}/{spec.name}/{version.number}")


def replicas(place: Place, spec: ServingSpec, slot: str, version: ModelVersion) -> Manifest:
    """The Deployment of one slot. A changed version rolls: a new replica is ready before an old one leaves."""
    storage = read_only(place, [folder(spec, version)])
    return deployment(
        place,
        slot,
        _pod(place, spec, slot, version, storage),
        replicas=_count(spec, slot),
        progressDeadlineSeconds=READY_WITHIN,
        strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
    )


def addresses(place: Place, spec: ServingSpec, slot: str) -> Manifest:
    """A headless Service: whoever balances finds the addresses of all replicas that are ready, and only those.

    A Gateway is given an ordinary one: not every implementation takes a headless Service.
    """
    headless = {} if spec.balancing.gateway else {"clusterIP": "None"}
    return with_protocols(service(place, slot, slot, PORTS, **headless))


def _pod(place: Place, spec: ServingSpec, slot: str, version: ModelVersion, storage: ReadOnly) -> Manifest:
    """As `tensorflow/serving` wants it: its own start script reads the two variables and passes the arguments on.

    It is ready when the model's metadata can be read: that is answered by the model itself, while the address of the
    model's state says 200 of a model that is still loading too, and an image need not have a program to look closer.
    Leaving, it goes on answering until nobody sends it anything: the process itself would end at once.
    """
    drain = math.ceil(spec.balancing.drain.total_seconds())
    container = restricted_container(
        "model",
        spec.image,
        mounts=storage.mounts,
        args=[text.replace("$", "$$") for text in spec.args],
        ports=[{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in PORTS.items()],
        readinessProbe={
            "httpGet": {"path": f"/v1/models/{spec.name}/versions/{version.number}/metadata", "port": "rest"},
            "periodSeconds": 2,
            "timeoutSeconds": 5,
        },
        lifecycle={"preStop": {"exec": {"command": ["sleep", str(drain)]}}},
        resources=resources(spec.resources, spec.balancing.gpu_resource),
    )
    container["env"] += [{"name": "MODEL_NAME", "value": spec.name}, {"name": "MODEL_BASE_PATH", "value": MODELS}]
    pod = restricted_pod(container, volumes=[_only_read(volume) for volume in storage.pod_volumes])
    pod["terminationGracePeriodSeconds"] = drain + STOP_MARGIN
    pod["topologySpreadConstraints"] = [_spread(place, slot)]
    if spec.resources.gpu:
        device = spec.balancing.gpu_resource
        pod["tolerations"] = [{"key": device, "operator": "Exists", "effect": "NoSchedule"}]
    return pod


def _count(spec: ServingSpec, slot: str) -> int | None:
    """None where an autoscaler has the say."""
    if slot == CANARY:
        return spec.canary.replicas if spec.canary else 0
    return None if spec.autoscaling else spec.replicas


def _only_read(volume: Manifest) -> Manifest:
    """A directory that is missing is an error then, and not made by kubelet."""
    return {**volume, "persistentVolumeClaim": {**volume["persistentVolumeClaim"], "readOnly": True}}


def _spread(place: Place, slot: str) -> Manifest:
    """Over nodes as far as possible, so that one node takes few replicas with it."""
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": selector(place, slot)},
    }
