"""Which trainings bind the next one of their timed project, and asking them to make room.

An ended training whose pods were given up on a lost node binds too, until it is proven that their processes are dead:

* the node is gone from the cluster;
* the node has told of two boots of its machine since the pod's start, one of them kept with the pod's attempt;
* the node does not answer and somebody has tainted it out-of-service, which says that its machine is off;
* a person says so of the training itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Uuid

from app.db import notify
from app.domain.cluster import NOT_READY, OUT_OF_SERVICE
from app.domain.firing import Active
from app.domain.training import State

CHANNEL = "trainings"
LIVE = "state IN ('queued', 'starting', 'running', 'stopping')"
UNPROVEN = f"""
    SELECT lost.id, lost.project_id, lost.number, lost.state, a.node
    FROM attempts a JOIN cluster_nodes n ON n.name = a.node JOIN trainings lost ON lost.id = a.training_id
    WHERE a.reason = 'NodeLost' AND lost.exclusive AND lost.released_at IS NULL
      AND NOT coalesce(n.boot_id <> '' AND n.boot_id <> a.boot_id AND n.reported_at >= a.started_at, false)
      AND NOT (n.ready = '{NOT_READY}' AND n.taints @> '[{{"key": "{OUT_OF_SERVICE}"}}]')
"""
_ACTIVE = text(f"""
    SELECT id, project_id, number, state FROM trainings
    WHERE project_id = ANY(:projects) AND exclusive AND archived_at IS NULL AND {LIVE}
    UNION
    SELECT id, project_id, number, state FROM ({UNPROVEN}) AS unproven WHERE project_id = ANY(:projects)
    ORDER BY id
""").bindparams(bindparam("projects", type_=ARRAY(Uuid)))
# Locked in order of their ids, as everybody does who takes several.
_REPLACE = text(f"""
    WITH wanted AS (SELECT * FROM unnest(:olds, :news) AS w(old, new)),
    locked AS (SELECT id, {LIVE} AND stop_requested_at IS NULL AS asks FROM trainings
               WHERE id IN (SELECT old FROM wanted) ORDER BY id FOR UPDATE)
    UPDATE trainings t
    SET replaced_by = coalesce(t.replaced_by, w.new), status_gen = t.status_gen + 1,
        stop_requested_at = CASE WHEN l.asks THEN now() ELSE t.stop_requested_at END,
        stop_requested_by = CASE WHEN l.asks THEN :by ELSE t.stop_requested_by END,
        stop_reason = CASE WHEN l.asks THEN 'replaced' ELSE t.stop_reason END,
        intent_gen = t.intent_gen + CASE WHEN l.asks THEN 1 ELSE 0 END
    FROM wanted w JOIN locked l ON l.id = w.old WHERE t.id = w.old
    RETURNING t.id, l.asks, w.new
""").bindparams(bindparam("olds", type_=ARRAY(Uuid)), bindparam("news", type_=ARRAY(Uuid)))
_RELEASE = text("""
    UPDATE trainings SET released_at = now(), released_by = :by, status_gen = status_gen + 1
    WHERE id = :id AND released_at IS NULL
""")
_UNPROVEN_NODES = text(f"SELECT DISTINCT node FROM ({UNPROVEN}) AS unproven WHERE id = :id ORDER BY node")


@dataclass(frozen=True, slots=True)
class Replacement:
    """`new` takes the place of `old`."""

    old: UUID
    new: UUID


async def active_of(connection: AsyncConnection, project_ids: Sequence[UUID]) -> dict[UUID, list[Active]]:
    """What the overlap rule binds in each of the projects, oldest first. The caller holds the projects' rows."""
    found: dict[UUID, list[Active]] = defaultdict(list)
    for row in await connection.execute(_ACTIVE, {"projects": list(project_ids)}):
        found[row.project_id].append(Active(row.id, row.number, State(row.state)))
    return found


async def replace(connection: AsyncConnection, wanted: Sequence[Replacement], *, by: str) -> list[Replacement]:
    """Ask the old ones to stop and link them to the new ones; gives those that had not been asked before."""
    if not wanted:
        return []
    values = {"olds": [one.old for one in wanted], "news": [one.new for one in wanted], "by": by}
    rows = (await connection.execute(_REPLACE, values)).all()
    for row in rows:
        notify.publish(connection, CHANNEL, row.id)
    return [Replacement(row.id, row.new) for row in rows if row.asks]


async def unproven_nodes(connection: AsyncConnection, training_id: UUID) -> list[str]:
    """The lost nodes on which something of it may still run."""
    return list((await connection.execute(_UNPROVEN_NODES, {"id": training_id})).scalars())


async def release(connection: AsyncConnection, training_id: UUID, *, by: str) -> bool:
    """A person says that nothing of it runs any more. False when somebody has said so before."""
    notify.publish(connection, CHANNEL, training_id)
    return (await connection.execute(_RELEASE, {"id": training_id, "by": by})).rowcount == 1
