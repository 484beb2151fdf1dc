"""Short spellings for trainings and what is seen of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.domain.decide import decide
from app.domain.decision import Decision, Policy
from app.domain.project import Framework, Role, RunSpec, Success
from app.domain.seen import PodPhase, Seen, SeenJob, SeenNamespace, SeenPod, SeenWarning
from app.domain.training import (
    NamespaceState,
    Reason,
    State,
    StorageMount,
    TaskCounts,
    TaskKey,
    Training,
    TrainingSpec,
    Trigger,
)

T0 = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NS = "taas-digits-7-abcde"
NS_UID = "uid-namespace"
ID = UUID("01990000-0000-7000-8000-000000000001")
_RUN_FIELDS = ("success", "task_retries", "max_duration", "pending_timeout", "keep_namespace")


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def run_spec(roles: dict[str, int] | None = None, **more: Any) -> RunSpec:
    counts = roles or {"worker": 2}
    success = more.pop("success", Success.CHIEF if "chief" in counts else Success.ALL_WORKERS)
    return RunSpec(
        framework=Framework.PLAIN,
        image="registry.example.com/team/train:1",
        roles={name: Role(count=count) for name, count in counts.items()},
        success=success,
        **more,
    )


def training(roles: dict[str, int] | None = None, **more: Any) -> Training:
    storage = (
        StorageMount("data", "local", {"path": "/srv", "node": "a"}, "digits-abcde")
        if more.pop("storage", None)
        else None
    )
    run = run_spec(roles, **{name: more.pop(name) for name in _RUN_FIELDS if name in more})
    return Training(
        id=ID,
        project_id=ID,
        project="digits",
        number=7,
        spec=TrainingSpec(algorithm="digits", version=1, digest="0" * 64, run=run, storage=storage),
        trigger=Trigger.PERSON,
        created_at=T0,
        created_by="ada",
        intent_gen=1,
        counts=TaskCounts(run.total_tasks),
        **more,
    )


def namespace(uid: str = NS_UID, **more: Any) -> SeenNamespace:
    return SeenNamespace(**{"name": NS, "uid": uid, "ours": True, **more})


def job(role: str, **more: Any) -> SeenJob:
    return SeenJob(role=role, name=role, uid=f"uid-job-{role}", **more)


def finished_job(role: str, **more: Any) -> SeenJob:
    return job(role, finished=True, **more)


def pod(key: str, phase: PodPhase = PodPhase.PENDING, **more: Any) -> SeenPod:
    return SeenPod(
        **{
            "key": TaskKey.parse(key),
            "name": f"{key}-x7abc",
            "uid": f"uid-{key}",
            "phase": phase,
            "created_at": T0,
            **more,
        }
    )


def warning(kind: str, name: str, reason: str, message: str, first: float = 0) -> SeenWarning:
    return SeenWarning(f"uid-{kind}-{name}-{reason}", reason, kind, name, message, 1, at(first), at(first))


def seen(
    space: SeenNamespace | None,
    jobs: list[SeenJob] | tuple[SeenJob, ...] = (),
    pods: list[SeenPod] | tuple[SeenPod, ...] = (),
    warnings: list[SeenWarning] | tuple[SeenWarning, ...] = (),
) -> Seen:
    return Seen(
        fresh=True,
        namespace=space,
        jobs={one.role: one for one in jobs},
        pods=tuple(pods),
        warnings=tuple(warnings),
    )


def suspended(role: str, **more: Any) -> SeenJob:
    return job(role, suspended=True, suspension_done=True, **more)


def run(row: Training, look: Seen, now: datetime = T0 + timedelta(seconds=10)) -> Decision:
    """What `decide` makes of it."""
    return decide(row, look, POLICY, now)


POLICY = Policy()
LIVE = {"state": State.STARTING, "starting_at": T0, "namespace": NS}
PRESENT = {**LIVE, "namespace_uid": NS_UID, "namespace_state": NamespaceState.PRESENT}
RUNNING = {**PRESENT, "state": State.RUNNING, "started_at": T0}
ENDED = {**RUNNING, "state": State.SUCCEEDED, "reason": Reason.COMPLETED, "finished_at": T0}

FAILED = PodPhase.FAILED
DONE = PodPhase.SUCCEEDED
UP = PodPhase.RUNNING
W = [job("worker")]
BOTH_UP = [pod("worker-0", UP), pod("worker-1", UP)]
