"""Rows of attempts: each pod that was ever a try of a task, kept after the pod is gone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from app.db.ids import new_id
from app.db.tables import attempts
from app.domain.seen import PodPhase, SeenPod
from app.domain.training import TaskKey

_STATES = {
    PodPhase.PENDING: "pending",
    PodPhase.RUNNING: "running",
    PodPhase.SUCCEEDED: "succeeded",
    PodPhase.FAILED: "failed",
    PodPhase.UNKNOWN: "running",
}
# The boot that a pod's node told of after the pod had started. A later one would do as well: a machine that then tells
# of yet another has been started anew since, which is what the handover asks (db.handovers).
_BOOT = """(
    SELECT n.boot_id FROM cluster_nodes n
    WHERE n.name = {row}.node AND n.boot_id <> '' AND n.reported_at >= {row}.started_at)"""
# What has ended stays as it is: a later look at a pod that is being removed knows less.
_SAVE = text(f"""
    INSERT INTO attempts AS a (id, training_id, role, index, number, pod_name, pod_uid, node, state, exit_code, reason,
                               message, termination, created_at, scheduled_at, sandbox_at, started_at, finished_at,
                               boot_id)
    SELECT id, :training_id, role, index, number, pod_name, pod_uid, node, state, exit_code, reason, message,
           termination, created_at, scheduled_at, sandbox_at, started_at, finished_at, {_BOOT.format(row="r")}
    FROM jsonb_to_recordset(:rows) AS r(
        id uuid, role text, index int, number int, pod_name text, pod_uid text, node text, state text, exit_code int,
        reason text, message text, termination text, created_at timestamptz, scheduled_at timestamptz,
        sandbox_at timestamptz, started_at timestamptz, finished_at timestamptz)
    ON CONFLICT (pod_uid) DO UPDATE SET
        node = coalesce(excluded.node, a.node), state = excluded.state, exit_code = excluded.exit_code,
        reason = excluded.reason, message = excluded.message, termination = excluded.termination,
        scheduled_at = coalesce(a.scheduled_at, excluded.scheduled_at),
        sandbox_at = coalesce(a.sandbox_at, excluded.sandbox_at),
        started_at = coalesce(excluded.started_at, a.started_at), finished_at = excluded.finished_at,
        boot_id = coalesce(a.boot_id, excluded.boot_id, {_BOOT.format(row="a")})
    WHERE a.state IN ('pending', 'running') AND (a.node, a.state, a.reason, a.message, a.started_at)
          IS DISTINCT FROM (excluded.node, excluded.state, excluded.reason, excluded.message, excluded.started_at)
""").bindparams(bindparam("rows", type_=JSONB))
_CLOSE = text("""
    UPDATE attempts SET state = 'removed', finished_at = coalesce(finished_at, :now)
    WHERE training_id = :training_id AND state IN ('pending', 'running') AND pod_uid <> ALL(:present)
""").bindparams(bindparam("present", type_=ARRAY(Text)))


async def save(connection: AsyncConnection, training_id: UUID, pods: Sequence[SeenPod], now: datetime) -> int:
    """Insert or update the pods' attempts, in one statement; how many rows changed."""
    if not pods:
        return 0
    numbers = await _numbers(connection, training_id, pods)
    rows = [_row(pod, numbers[pod.uid], now) for pod in sorted(pods, key=lambda pod: pod.uid)]
    return (await connection.execute(_SAVE, {"training_id": training_id, "rows": rows})).rowcount


async def close_missing(connection: AsyncConnection, training_id: UUID, present: Iterable[str], now: datetime) -> int:
    """Attempts that were still open but whose pods are not among `present` (UIDs) any more are over, unseen."""
    values = {"training_id": training_id, "present": list(present), "now": now}
    return (await connection.execute(_CLOSE, values)).rowcount


async def _numbers(connection: AsyncConnection, training_id: UUID, pods: Sequence[SeenPod]) -> dict[str, int]:
    """Each pod's number within its task: what the cluster counts, but never one that another pod has."""
    columns = (attempts.c.role, attempts.c["index"].label("task_index"), attempts.c.number, attempts.c.pod_uid)
    query = select(*columns).where(attempts.c.training_id == training_id)
    known: dict[str, int] = {}
    highest: dict[TaskKey, int] = {}
    for row in await connection.execute(query):
        known[row.pod_uid] = row.number
        key = TaskKey(row.role, row.task_index)
        highest[key] = max(row.number, highest.get(key, 0))
    for pod in sorted(pods, key=lambda pod: pod.created_at):
        if pod.uid not in known:
            known[pod.uid] = highest[pod.key] = max(pod.attempt, highest.get(pod.key, 0) + 1)
    return known


def _row(pod: SeenPod, number: int, now: datetime) -> dict[str, Any]:
    over = pod.ended or pod.gone
    return {
        "id": new_id(),
        "role": pod.key.role,
        "index": pod.key.index,
        "number": number,
        "pod_name": pod.name,
        "pod_uid": pod.uid,
        "node": pod.node,
        "state": "removed" if over and (pod.removed or not pod.ended) else _STATES[pod.phase],
        "exit_code": pod.exit_code,
        "reason": pod.disruption or pod.reason,
        "message": pod.disruption_message or pod.message,
        "termination": pod.termination,
        "created_at": pod.created_at,
        "scheduled_at": pod.scheduled_at,
        "sandbox_at": pod.sandbox_at,
        "started_at": pod.started_at,
        "finished_at": (pod.finished_at or now) if over else None,
    }
