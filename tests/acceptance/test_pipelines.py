"""What other programs and projects rely on: notices that verify, and models that are handed on."""

from __future__ import annotations

from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.support.lab import Lab, Run
from tests.support.receiver import receiver
from tests.support.side_by_side import side_by_side
from tests.support.waiting import eventually

pytestmark = pytest.mark.cluster


@side_by_side
async def test_a_success_is_told_to_a_webhook(lab: Lab) -> None:
    async with receiver() as there:
        await lab.project("told", "exit 0")
        body = {"url": there.url, "kinds": ["started", "succeeded"], "project": "told"}
        webhook = await lab.post("webhooks", body, status=201)
        run = await lab.start("told")
        await run.ends("succeeded", "completed")
        got = await there.wait(2)
        verifier = Webhook(webhook["secret"])
        told = {one["type"]: one["data"] for one in (verifier.verify(it.body, it.headers) for it in got)}
        assert {kind: data["training_id"] for kind, data in told.items()} == {
            "training.started": run.id,
            "training.succeeded": run.id,
        }
        assert (told["training.succeeded"]["number"], told["training.succeeded"]["reason"]) == (1, "completed")
        assert len({it.headers["webhook-id"] for it in got}) == 2
        with pytest.raises(WebhookVerificationError):
            verifier.verify(got[0].body.replace(b'"told"', b'"sold"'), got[0].headers)
        with pytest.raises(WebhookVerificationError):
            verifier.verify(got[0].body, dict(got[0].headers) | {"webhook-id": got[1].headers["webhook-id"]})


@side_by_side
async def test_the_next_project_reads_the_model_and_cannot_change_it(lab: Lab) -> None:
    await lab.project("teacher", "echo weights of $TAAS_NUMBER >$TAAS_MODEL_DIR/model")
    pupil = 'cat "$1/model"; rm "$1/model" || echo kept; [[ $1 != "$TAAS_MODEL_DIR" ]]'
    await lab.project("pupil", pupil, "{{ params.model }}")
    follow = await lab.post(
        "projects/pupil/follows", {"upstream": "teacher", "params": {"model": "{{ model_dir }}"}}, status=201
    )
    first = await lab.start("teacher")
    await first.ends("succeeded", "completed")

    async def followed() -> Any:
        [start] = (await lab.http.get(f"follows/{follow['id']}/starts")).json()["items"]
        return start if start["done_at"] else None

    start = await eventually(followed)
    second = Run(lab, (await lab.http.get(f"trainings/{start['training_id']}")).json())
    await second.ends("succeeded", "completed")
    printed = (await second.log("worker-0")).decode()
    assert printed.startswith("weights of 1\n")
    assert printed.endswith("kept\n")
    assert first.kept("models/model").read_text() == "weights of 1\n"
    assert (second.record["project"], second.record["trigger"]) == ("pupil", "chain")
