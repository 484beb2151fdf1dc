"""Launches that between them use everything a manifest can have, for goldens and for a real API server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.domain import names
from app.domain.project import Framework, Resources, Role, RunSpec, Success, Toleration
from app.domain.training import StorageMount, TrainingSpec
from app.k8s.manifests import Launch

TRAINING = UUID("0199aaaa-0000-7000-8000-0123456789ab")
PROJECT = UUID("0199aaaa-0000-7000-8000-00000badcafe")
HOSTILE_ARGS = (
    "",
    "a b",
    "it's",
    '"quoted"',
    "$HOME",
    "$(HOME)",
    "$$",
    "`date`",
    "line\nline",
    "\\",
    "é — 世界",
    "--",
    "*",
)

LOCAL = StorageMount("default", "local", {"path": "/srv/taas", "node": "node-1"}, names.project_folder("d", PROJECT))
NFS = StorageMount(
    "Team_Share",
    "nfs",
    {"server": "nfs.example.com", "path": "/export/taas", "mount_options": ["nfsvers=4.1", "hard"]},
    names.project_folder("d", PROJECT),
)


def launches() -> dict[str, Launch]:
    """Name of the golden → launch."""
    return {"parameter-servers": parameter_servers(), "torch-gpu": torch_gpu(), "plain": plain(), "stored": stored()}


def parameter_servers() -> Launch:
    """TensorFlow with chief, workers, ps and evaluator, on a node's directory, started by a schedule."""
    small = Resources(cpu="500m", memory="1Gi")
    run = RunSpec(
        Framework.TENSORFLOW,
        "registry.example.com/tensorflow:2.21",
        {"chief": Role(1, small), "worker": Role(2, small), "ps": Role(1, small), "evaluator": Role(1, small)},
        args=("--epochs", "3"),
        env={"TF_CPP_MIN_LOG_LEVEL": "1"},
        success=Success.CHIEF,
        max_duration=timedelta(hours=2),
    )
    return launch("digits", run, storage=LOCAL, scheduled_for=datetime(2026, 11, 24, 3, tzinfo=UTC))


def torch_gpu() -> Launch:
    """torchrun on devices, with a private registry, secrets, an NFS export, retries and placement."""
    role = Role(
        4,
        Resources(cpu="2", cpu_limit="4", memory="8Gi", gpu=2, shm_size="2Gi", ephemeral_storage="20Gi"),
        node_selector={"disk": "ssd"},
        tolerations=(Toleration("team", value="vision", effect="NoExecute"), Toleration("spot", "Exists")),
    )
    run = RunSpec(
        Framework.PYTORCH,
        "registry.example.com:5000/team/torch@sha256:" + "0123456789abcdef" * 4,
        {"worker": role},
        env={"MODE": "it's $HOME"},
        secret_env=("API_KEY",),
        task_retries=2,
        stop_grace=timedelta(minutes=2),
    )
    login = {"auths": {"registry.example.com:5000": {"username": "robot", "password": "hidden", "auth": "cm9ib3Q="}}}
    return launch("Vision v2", run, storage=NFS, secret_env={"API_KEY": "s3cret"}, pull_secret=login)


def plain() -> Launch:
    """One plain task without anything that is optional, given arguments that a shell or Kubernetes might spoil."""
    return launch("hello", RunSpec(Framework.PLAIN, "python", {"worker": Role()}, args=HOSTILE_ARGS))


def stored() -> Launch:
    """A bundle too large for ConfigMaps, which lies on a storage."""
    run = RunSpec(Framework.PLAIN, "python", {"worker": Role()})
    return launch("big", run, bundle=None, bundle_path="bundles/ab.tar.gz", storage=LOCAL)


def launch(
    project: str,
    run: RunSpec,
    *,
    bundle: bytes | None = b"the tar.gz",
    bundle_path: str | None = None,
    scheduled_for: datetime | None = None,
    storage: StorageMount | None = None,
    number: int = 17,
    **more: object,
) -> Launch:
    """A launch of `run` with the names that a real one would get."""
    return Launch(
        training_id=TRAINING,
        project=project,
        number=number,
        installation="tests",
        namespace=names.namespace(project, number, TRAINING),
        spec=TrainingSpec("algorithm", 3, "d" * 64, run, scheduled_for=scheduled_for, storage=storage),
        bundle=bundle,
        bundle_path=bundle_path,
        **more,  # type: ignore[arg-type]
    )
