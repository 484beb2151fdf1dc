"""A TensorBoard: one pod that reads the logs of the trainings it shows, and a Service before it."""

from __future__ import annotations

from app.domain.endpoints.tensorboard import LogSource
from app.k8s.manifests.endpoints.objects import EndpointObjects, Place, deployment, pull_secret, service, walls
from app.k8s.manifests.endpoints.pods import restricted_container, restricted_pod
from app.k8s.manifests.endpoints.storage import Folder, read_only

NAME = "tensorboard"
PORT = 6006
RUNS = "/taas/runs"
"""Where the runs are in the pod: TensorBoard calls each by its path below it."""

_RELOAD_SECONDS = 5


def tensorboard(place: Place) -> EndpointObjects:
    """All objects of a TensorBoard but its namespace."""
    spec = place.endpoint.tensorboard
    storage = read_only(place, [_folder(source) for source in spec.sources])
    elsewhere = [where for where in storage.where if "://" in where]
    container = restricted_container(
        NAME,
        spec.image,
        mounts=storage.mounts,
        command=["python3", "-m", "tensorboard.main"],
        args=[
            *(["--logdir", RUNS] if not elsewhere else ["--logdir_spec", ",".join(storage.where)]),
            *("--host", "0.0.0.0", "--port", str(PORT)),
            *("--reload_interval", str(_RELOAD_SECONDS)),
            *("--window_title", f"{place.endpoint.name} · TensorBoard"),
        ],
        ports=[{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        resources={
            "requests": {"cpu": spec.cpu, "memory": spec.memory},
            "limits": {"memory": spec.memory},
        },
        readinessProbe={"httpGet": {"path": "/", "port": PORT}, "periodSeconds": 1, "timeoutSeconds": 5},
    )
    return EndpointObjects(
        walls=walls(place, [PORT], storage.egress),
        volumes=storage.volumes,
        inside=(
            *pull_secret(place),
            *storage.claims,
            service(place, NAME, NAME, {"http": PORT}),
            deployment(
                place,
                NAME,
                restricted_pod(container, volumes=storage.pod_volumes),
                strategy={"type": "Recreate"},
                progressDeadlineSeconds=300,
            ),
        ),
    )


def _folder(source: LogSource) -> Folder:
    if source.number is None:
        return Folder(source.storage, "logs", RUNS)
    return Folder(source.storage, f"logs/{source.number}", f"{RUNS}/{source.number}")
