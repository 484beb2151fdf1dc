"""All objects of one training, built whole before anything is written."""

from __future__ import annotations

from dataclasses import replace

from app.domain import topology
from app.domain.topology import Told
from app.domain.training import TaskKey
from app.k8s.manifests import surroundings
from app.k8s.manifests.files import files
from app.k8s.manifests.jobs import job
from app.k8s.manifests.launch import Launch, TrainingObjects
from app.k8s.manifests.volumes import mounted


def build(launch: Launch) -> TrainingObjects:
    """The objects of a training: their number depends on its roles and storages, never on its tasks.

    Raises TooMuchToTell when its tasks cannot be told what they need.
    """
    storages = mounted(launch)
    run_files = files(launch, _told(launch, storages.folder))
    bundle = f"{storages.folder}/{launch.bundle_path}" if launch.bundle_path else None
    return TrainingObjects(
        namespace=surroundings.namespace(launch),
        network_policy=surroundings.network_policy(launch, storages.egress),
        secrets=surroundings.secrets(launch),
        config_maps=run_files.config_maps,
        service=surroundings.service(launch),
        volumes=storages.volumes,
        claims=storages.claims,
        jobs={
            role: job(
                launch,
                role,
                files=run_files.sources[role],
                storages=storages,
                bundle=bundle,
            )
            for role in launch.run.role_names
        },
    )


def environment(launch: Launch, task: TaskKey) -> dict[str, str]:
    """The variables that one task is told besides its secrets, as its `env.sh` sets them."""
    return topology.environment(launch.run, task, _told(launch, mounted(launch).folder))


def _told(launch: Launch, folder: str | None) -> Told:
    """Without a storage the directories are there too, and go with the pod."""
    told = Told(
        training=str(launch.training_id),
        project=launch.project,
        number=launch.number,
        scheduled_for=launch.spec.scheduled_for,
    )
    if folder is None:
        return told
    return replace(
        told,
        log_dir=f"{folder}/logs/{launch.number}",
        model_dir=f"{folder}/models/{launch.number}",
        data_dir=f"{folder}/data",
    )
