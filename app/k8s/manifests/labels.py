"""The labels by which TaaS knows its own objects."""

from __future__ import annotations

from app.k8s.manifests.launch import Launch

INSTALLATION = "taas.dev/installation"
TRAINING = "taas.dev/training"
PROJECT = "taas.dev/project"
NUMBER = "taas.dev/number"
ROLE = "taas.dev/role"
ENDPOINT = "taas.dev/endpoint"
ENDPOINT_KIND = "taas.dev/endpoint-kind"
WORKLOAD = "taas.dev/workload"
SPEC_GEN = "taas.dev/spec-gen"
MANAGED_BY = "app.kubernetes.io/managed-by"


def of_training(launch: Launch) -> dict[str, str]:
    """What every object of a training carries."""
    return {
        MANAGED_BY: "taas",
        INSTALLATION: launch.installation,
        TRAINING: str(launch.training_id),
        PROJECT: launch.project_slug,
        NUMBER: str(launch.number),
    }


def of_role(launch: Launch, role: str) -> dict[str, str]:
    """What a role's Job and its pods carry."""
    return {**of_training(launch), ROLE: role}
