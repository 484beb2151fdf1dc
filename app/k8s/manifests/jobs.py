"""One Indexed Job per role: the pods of all its tasks."""

from __future__ import annotations

import math
from datetime import timedelta

from app.domain.arguments import arguments
from app.domain.project import Resources, Role, Toleration
from app.domain.topology import SERVICE
from app.k8s.manifests.labels import of_role
from app.k8s.manifests.launch import Launch, Manifest
from app.k8s.manifests.surroundings import SECRET
from app.k8s.manifests.volumes import Mounted

USER = 1000
RUN_DIR = "/taas/run"
CODE_DIR = "/taas/code"
HOME_DIR = "/taas/home"
CONTAINER = "task"
GRACE_MARGIN = timedelta(seconds=5)
"""What start.sh needs after run.sh has ended to close the log and leave its message."""

_FAILURES = "batch.kubernetes.io/job-index-failure-count"
_IGNORED_FAILURES = "batch.kubernetes.io/job-index-ignored-failure-count"


def job(launch: Launch, role: str, *, files: list[Manifest], storages: Mounted, bundle: str | None) -> Manifest:
    """The Job of a role. `files` are the sources of `/taas/run`; `bundle` is the code's path if it is not in them.

    A task that fails is tried again `task_retries` times; what a disruption ended is tried again without counting.
    A finished pod is replaced only once it has really ended, so that no two tries of a task run at a time.
    """
    count = launch.run.roles[role].count
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": role, "namespace": launch.namespace, "labels": of_role(launch, role)},
        "spec": {
            "completionMode": "Indexed",
            "completions": count,
            "parallelism": count,
            "backoffLimitPerIndex": launch.run.task_retries,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {
                "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
            },
            "template": {
                "metadata": {"labels": of_role(launch, role)},
                "spec": _pod(launch, role, files=files, storages=storages, bundle=bundle),
            },
        },
    }


def _pod(launch: Launch, role: str, *, files: list[Manifest], storages: Mounted, bundle: str | None) -> Manifest:
    settings = launch.run.roles[role]
    scratch = {"tmp": "/tmp", "code": CODE_DIR, "home": HOME_DIR}
    pod: Manifest = {
        "restartPolicy": "Never",
        "subdomain": SERVICE,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _seconds(launch.run.stop_grace + GRACE_MARGIN),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": CONTAINER,
                "image": launch.run.image,
                "command": ["bash", f"{RUN_DIR}/start.sh"],
                "args": [_literal(text) for text in arguments(launch.spec, launch.number)],
                "workingDir": CODE_DIR,
                "env": _env(launch, bundle),
                "resources": resources(settings.resources, launch.gpu_resource),
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": True,
                },
                "volumeMounts": [
                    {"name": "run", "mountPath": RUN_DIR, "readOnly": True},
                    *({"name": name, "mountPath": path} for name, path in scratch.items()),
                    *storages.pod_mounts,
                ],
            }
        ],
        "volumes": [
            {"name": "run", "projected": {"defaultMode": 0o444, "sources": files}},
            *({"name": name, "emptyDir": {}} for name in scratch),
            *storages.pod_volumes,
        ],
    }
    _add_shm(pod, settings.resources.shm_size)
    _add_deadline(pod, launch)
    if launch.pull_secret is not None:
        pod["imagePullSecrets"] = [{"name": SECRET}]
    _add_placement(pod, settings, launch.gpu_resource)
    return pod


def _env(launch: Launch, bundle: str | None) -> list[Manifest]:
    """Only what start.sh itself needs, and secrets: everything else is in `env.sh`, which carries text exactly."""
    return [
        {"name": "HOME", "value": HOME_DIR},
        {"name": "USER", "value": "taas"},
        {"name": "TAAS_FAILURE_COUNT", "valueFrom": _annotation(_FAILURES)},
        {"name": "TAAS_IGNORED_FAILURE_COUNT", "valueFrom": _annotation(_IGNORED_FAILURES)},
        *([{"name": "TAAS_BUNDLE", "value": _literal(bundle)}] if bundle else []),
        *(
            {"name": name, "valueFrom": {"secretKeyRef": {"name": SECRET, "key": name}}}
            for name in sorted(launch.secret_env)
        ),
    ]


def resources(given: Resources, gpu_resource: str) -> Manifest:
    """Memory, scratch space and devices are requested as they are limited; cpu may be used beyond its request."""
    same = {"memory": given.memory}
    if given.ephemeral_storage is not None:
        same["ephemeral-storage"] = given.ephemeral_storage
    if given.gpu:
        same[gpu_resource] = str(given.gpu)
    limits = same if given.cpu_limit is None else {"cpu": given.cpu_limit, **same}
    return {"requests": {"cpu": given.cpu, **same}, "limits": dict(limits)}


def _add_shm(pod: Manifest, size: str | None) -> None:
    if size is None:
        return
    pod["volumes"].append({"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": size}})
    pod["containers"][0]["volumeMounts"].append({"name": "shm", "mountPath": "/dev/shm"})


def _add_deadline(pod: Manifest, launch: Launch) -> None:
    """The second line, for when TaaS is down. A pod's clock starts with the pod, the training's when all tasks run,
    so the time that a pod may have to wait for the others is added."""
    limit = launch.run.max_duration
    if limit is not None:
        pod["activeDeadlineSeconds"] = _seconds(
            limit + launch.run.pending_timeout + launch.run.stop_grace + GRACE_MARGIN
        )


def _add_placement(pod: Manifest, settings: Role, gpu_resource: str) -> None:
    tolerations = [_toleration(toleration) for toleration in settings.tolerations]
    if settings.resources.gpu:
        # Nodes with devices are commonly tainted with the device's name, to keep them for those who ask for it.
        tolerations.append({"key": gpu_resource, "operator": "Exists", "effect": "NoSchedule"})
    if settings.node_selector:
        pod["nodeSelector"] = dict(sorted(settings.node_selector.items()))
    if tolerations:
        pod["tolerations"] = tolerations


def _toleration(toleration: Toleration) -> Manifest:
    fields = {
        "key": toleration.key,
        "operator": toleration.operator,
        "value": toleration.value,
        "effect": toleration.effect,
    }
    return {name: value for name, value in fields.items() if value}


def _annotation(name: str) -> Manifest:
    return {"fieldRef": {"fieldPath": f"metadata.annotations['{name}']"}}


def _literal(text: str) -> str:
    """Kubernetes rewrites `$(NAME)` and `$$`; with every dollar doubled the text arrives as it is."""
    return text.replace("$", "$$")


def _seconds(duration: timedelta) -> int:
    return math.ceil(duration.total_seconds())
