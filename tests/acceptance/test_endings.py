"""How trainings are stopped, wait their turn, leave nothing running, and go away."""

from __future__ import annotations

import os
import signal
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.support.lab import Json, Lab, Run, furnished, laboratory
from tests.support.side_by_side import side_by_side
from tests.support.taas import home_for_taas, taas_up
from tests.support.waiting import eventually

pytestmark = pytest.mark.cluster

WAIT_FOR_EVER = "sleep infinity & wait"
LIMIT = "Another training{} is running, and only one may at a time: it starts when that has ended, in its turn."


@side_by_side
async def test_a_person_stops_it_and_it_saves_a_checkpoint(lab: Lab) -> None:
    save = "trap 'sleep 2; echo step 41 >$TAAS_MODEL_DIR/checkpoint; exit 0' TERM"
    run = await lab.train("stopped", f"{save}; echo ready; {WAIT_FOR_EVER}")
    await run.says("ready")
    await run.stop()
    stopping = await run.until(lambda it: it["state"] != "running")
    assert stopping["stop_requested_by"] == "admin"
    ended = await run.ends("stopped", "stopped_by_user")
    assert ended["message"] == "It was stopped by admin."
    assert run.kept("models/checkpoint").read_text() == "step 41\n"
    assert (await run.tasks())["worker-0"]["state"] == "removed"
    await run.stop()  # once more, too late: nothing changes
    assert (await run.is_gone())["finished_at"] == ended["finished_at"]


@side_by_side
async def test_what_ignores_its_stop_is_killed_after_the_grace(lab: Lab) -> None:
    run = await lab.train("deaf", "trap '' TERM; echo ready; while :; do sleep 1; done", stop_grace="PT2S")
    await run.says("ready")
    await run.stop()
    await run.ends("stopped", "stopped_by_user")
    task = (await run.tasks())["worker-0"]
    assert (task["state"], task["exit_code"]) == ("removed", 137)
    assert lasted(run.record, "stopping_at") >= timedelta(seconds=2)


@side_by_side
async def test_a_launch_that_waits_is_stopped_and_leaves_nothing(lab: Lab) -> None:
    run = await lab.train("early", roles={"worker": lab.on(resources={"cpu": "3000"})})
    await run.until(lambda it: "Insufficient cpu" in it["message"])
    await run.stop()
    ended = await run.ends("stopped", "stopped_by_user")
    assert ended["started_at"] is None
    assert ended["tasks"] == {"total": 1, "running": 0, "succeeded": 0, "failed": 0}
    await run.is_gone()


@side_by_side
async def test_a_projects_limit_is_a_queue(lab: Lab) -> None:
    await lab.project("one-by-one", f"trap 'exit 0' TERM; {WAIT_FOR_EVER}", running_limit=1)
    await in_turn(lab, "one-by-one", LIMIT.format(" of this project"))


@side_by_side
async def test_the_installations_limit_is_a_queue(lab: Lab) -> None:
    """On a server of its own, which knows nothing of the others' trainings."""
    async with laboratory(lab.cluster, TAAS_RUNNING_LIMIT="1") as small:
        await small.project("any", f"trap 'exit 0' TERM; {WAIT_FOR_EVER}")
        await in_turn(small, "any", LIMIT.format(""))


@side_by_side
async def test_ps_and_workers_are_removed_the_moment_the_chief_is_done(lab: Lab) -> None:
    script = "[[ $TAAS_ROLE == chief ]] || { sleep infinity & wait; }; sleep 3; exit 0"
    run = await lab.train(
        "parameter-servers",
        script,
        framework="tensorflow",
        roles={"chief": lab.on(), "worker": lab.on(count=2), "ps": lab.on()},
        keep_namespace="PT5M",
    )
    ended = await run.ends("succeeded", "completed")
    assert ended["message"] == "1 of 4 tasks completed; the others were no longer needed."
    assert ended["namespace_state"] == "present"
    assert ended["tasks"] == {"total": 4, "running": 0, "succeeded": 1, "failed": 0}
    states = {name: task["state"] for name, task in (await run.tasks()).items()}
    assert states == {"chief-0": "succeeded", "worker-0": "removed", "worker-1": "removed", "ps-0": "removed"}
    (left,) = (await run.pods()).values()  # for whoever wants to look at it while the namespace is kept
    assert (left["metadata"]["labels"]["taas.dev/role"], left["status"]["phase"]) == ("chief", "Succeeded")


@side_by_side
async def test_an_evaluator_may_finish_but_not_for_ever(lab: Lab) -> None:
    roles = {"chief": lab.on(), "evaluator": lab.on()}
    evaluator = "[[ $TAAS_ROLE == chief ]] || { %s; }"
    quick = "until [[ -e $TAAS_MODEL_DIR/last ]]; do sleep 0.2; done; sleep 1; touch $TAAS_MODEL_DIR/judged; exit 0"
    save = "; touch $TAAS_MODEL_DIR/last"
    patient = await lab.train("judged", evaluator % quick + save, framework="tensorflow", roles=roles)
    endless = await lab.train("judged-for-ever", evaluator % WAIT_FOR_EVER, framework="tensorflow", roles=roles)
    judged = await patient.ends("succeeded", "completed")
    assert judged["message"] == "All 2 tasks completed."
    assert (await patient.tasks())["evaluator-0"]["state"] == "succeeded"
    assert patient.kept("models/judged").exists()
    cut_off = await endless.ends("succeeded", "completed")
    assert cut_off["message"] == "1 of 2 tasks completed; the other was no longer needed."
    assert (await endless.tasks())["evaluator-0"]["state"] == "removed"
    assert lasted(endless.record, "stopping_at") >= timedelta(seconds=6)


@side_by_side
async def test_the_namespace_is_kept_as_long_as_asked_and_then_gone(lab: Lab) -> None:
    run = await lab.train("kept", "exit 0", keep_namespace="PT20S")
    ended = await run.ends("succeeded", "completed")
    assert ended["namespace_state"] == "present"
    deleting = await run.until(lambda it: it["namespace_state"] != "present")
    until = datetime.fromisoformat(ended["finished_at"]) + timedelta(seconds=20)
    (told,) = [event for event in await run.events() if event["reason"] == "NamespaceDeleting"]
    assert datetime.fromisoformat(told["first_at"]) >= until
    assert deleting["archived_at"] is not None
    gone = await run.is_gone()
    assert (gone["state"], gone["message"]) == ("succeeded", "The task completed.")


@side_by_side
async def test_a_limit_that_is_reached_while_taas_is_down(lab: Lab) -> None:
    """All of TaaS is killed: the pod ends by itself, may save its work, and the record tells it afterwards."""
    settings = {"TAAS_INSTALLATION": f"lab-{uuid4().hex[:8]}"}
    script = "trap 'echo saved >$TAAS_MODEL_DIR/checkpoint; exit 0' TERM; echo begun; sleep infinity & wait"
    limits = {"max_duration": "PT12S", "pending_timeout": "PT40S", "stop_grace": "PT2S"}
    with home_for_taas() as home:
        async with taas_up(home, lab.cluster, **settings) as taas, taas.client() as http:
            alone = await furnished(taas, lab.cluster, http, settings["TAAS_INSTALLATION"])
            run = await alone.train("overlong", script, **limits)
            await run.reaches("running")
            os.kill(taas.pid, signal.SIGKILL)

        async def ended() -> Any:
            [pod] = (await run.pods()).values()
            return pod["status"] if pod["status"]["phase"] == "Failed" else None

        assert (await eventually(ended, every=1))["reason"] == "DeadlineExceeded"
        async with taas_up(home, lab.cluster, **settings) as taas, taas.client() as http:
            alone.http, alone.taas = http, taas
            record = await run.ends("timed_out", "max_duration")
            assert record["message"].startswith("worker-0 was ended by the cluster at its time limit.")
            assert run.kept("models/checkpoint").read_text() == "saved\n"
            assert await run.log("worker-0") == b"begun\n"
            await run.is_gone()


async def in_turn(lab: Lab, project: str, words: str) -> None:
    """Four trainings where one may run: in their order, and one that is stopped while it waits never starts."""
    first, second, third, fourth = [await lab.start(project) for _ in range(4)]
    await first.reaches("running")
    for waiting in (second, third, fourth):
        assert (await waiting.until(lambda it: it["message"]))["state"] == "queued"
        assert waiting.record["message"] == words
    await second.stop()
    ended = await second.ends("stopped", "stopped_by_user")
    assert (ended["namespace"], ended["namespace_state"], ended["starting_at"]) == (None, "none", None)
    for done, following in ((first, third), (third, fourth)):
        await done.stop()
        await following.reaches("running")
        assert began(following) >= datetime.fromisoformat(
            (await done.ends("stopped", "stopped_by_user"))["finished_at"]
        )
    await fourth.stop()
    await fourth.ends("stopped", "stopped_by_user")


def began(run: Run) -> datetime:
    return datetime.fromisoformat(run.record["starting_at"])


def lasted(record: Json, since: str) -> timedelta:
    return datetime.fromisoformat(record["finished_at"]) - datetime.fromisoformat(record[since])
