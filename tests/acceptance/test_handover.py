"""A timed project hands over from one training to the next: never two at once, and the first may save its work."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.support.lab import Lab, Run

pytestmark = pytest.mark.cluster

SAVE = "trap 'sleep 2; echo $TAAS_NUMBER >$TAAS_MODEL_DIR/checkpoint; exit 0' TERM; echo ready; sleep infinity & wait"
HELD = "example.com/held"


async def test_each_start_replaces_the_one_before(lab: Lab) -> None:
    """Four starts within a moment, while the first one's namespace cannot go away."""
    schedule = {"cron": "0 3 1 1 *", "overlap": "replace"}
    await lab.project("relay", SAVE, schedule=schedule)
    mark = lab.cluster.audit_mark()
    first = await lab.start("relay")
    await first.says("ready")
    await _hold(lab, first, [HELD])
    try:
        later = [await lab.start("relay") for _ in range(4)]
        last = later[-1]
        await last.reaches("running")
        await first.ends("stopped", "replaced")
        assert first.kept("models/checkpoint").read_text() == "1\n"
        for one in later[:-1]:
            await one.ends("stopped", "replaced")
            assert one.record["started_at"] is None
        chain = [first, *later]
        assert [one.record["replaces"] for one in chain] == [None, *(one.id for one in chain[:-1])]
        assert [one.record["replaced_by"] for one in chain] == [*(one.id for one in chain[1:]), None]
        await first.until(lambda it: it["namespace_state"] == "deleting")
        assert _made_jobs(lab, mark) == [first.record["namespace"], last.record["namespace"]]
        [tried] = (await first.tasks())["worker-0"]["attempts"]
        assert _job_made_at(lab, mark, last) > datetime.fromisoformat(tried["finished_at"])
    finally:
        await _hold(lab, first, [])
    await first.is_gone()
    await last.stop()
    await last.ends("stopped", "stopped_by_user")


async def _hold(lab: Lab, run: Run, finalizers: list[str]) -> None:
    """Keep its namespace from going, or let it go."""
    await lab.kube("PATCH", run.space, {"metadata": {"finalizers": finalizers}})


def _made_jobs(lab: Lab, mark: int) -> list[str]:
    """The namespaces in which a Job was made since, in their order, of this project."""
    return [namespace for _, namespace in _jobs(lab, mark)]


def _job_made_at(lab: Lab, mark: int, run: Run) -> datetime:
    [at] = [at for at, namespace in _jobs(lab, mark) if namespace == run.record["namespace"]]
    return at


def _jobs(lab: Lab, mark: int) -> list[tuple[datetime, str]]:
    made = [
        (datetime.fromisoformat(event["requestReceivedTimestamp"]).astimezone(UTC), event["objectRef"]["namespace"])
        for event in lab.cluster.audit_since(mark, agent="taas")
        if event["verb"] == "create"
        and event["objectRef"]["resource"] == "jobs"
        and event["responseStatus"]["code"] == 201
    ]
    return [(at, namespace) for at, namespace in made if namespace.startswith("taas-relay-")]
