"""The pages of trainings in every state, and the stream that keeps them current."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from fastapi.sse import ServerSentEvent

from app.domain.access import UserRole
from app.domain.training import Reason, State
from app.ui.routes.home import home_live
from app.ui.routes.trainings import training_live
from tests.support.pages import page_of, run, write
from tests.support.projects import make_project, start
from tests.support.visitor import logged_in
from tests.support.web import Web
from tests.support.written_logs import START, say, try_of

HOSTILE = "<script>alert(1)</script>"
SOON = 10


async def test_the_first_page_leads_to_a_first_training(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        empty = await client.get("/")
        assert "From nothing to a training" in empty.text
        assert "No worker was seen" in empty.text
        assert "No trainings yet" in (await client.get("/trainings")).text
        await make_project(client)
        assert "Step 2, done" in (await client.get("/")).text
        await start(client)
        home = await client.get("/")
        assert "Waiting for their turn" in home.text
        assert "hello #1" in home.text


@pytest.mark.parametrize("state", list(State))
async def test_a_record_in_every_state(web: Web, state: State) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client)
        training = await start(client)
        reason = next((one for one in Reason if one.state is state and one is not Reason.COMPLETED), None)
        await write(
            web, training["id"], state=state, reason=reason if state.ended else None, message=f"Because {HOSTILE}."
        )
        page = await client.get(f"/trainings/{training['id']}")
        assert page.status_code == 200
        assert HOSTILE not in page.text
        assert ("Run again" in page.text) is state.ended
        assert ('data-dialog="stop"' in page.text) is not state.ended
        if state is not State.SUCCEEDED:
            assert "Because &lt;script&gt;" in page.text
        for address in ("/", "/trainings", f"/trainings?state={state}", "/projects/hello"):
            listed = await client.get(address)
            assert "#1</a>" in listed.text, address
            assert HOSTILE not in listed.text


async def test_filters_and_pages_of_the_list(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client)
        for _ in range(52):
            await start(client)
        assert "None match" in (await client.get("/trainings?project=other")).text
        assert "None match" in (await client.get("/trainings?state=failed")).text
        assert (await client.get("/trainings?state=nonsense&trigger=person")).status_code == 200
        first = await client.get("/trainings?project=hello&state=queued")
        assert "#52</a>" in first.text
        older = re.search(r'href="(\?[^"]*cursor=[^"]+)"', first.text)
        assert older is not None
        second = await client.get("/trainings" + older[1].replace("&amp;", "&"))
        assert "#2</a>" in second.text
        assert "#52</a>" not in second.text
        assert (await client.get("/trainings?cursor=nonsense")).status_code == 422


async def test_a_thousand_tasks_are_folded_into_pages(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client, roles={"worker": {"count": 1000}})
        training = await start(client)
        await run(web, "UPDATE tasks SET state = 'failed', exit_code = 137, message = :m WHERE index = 999", m=HOSTILE)
        page = await client.get(f"/trainings/{training['id']}")
        assert page.text.count('<tr id="task-') == 50
        assert "Page 1 of 20" in page.text
        assert "1 failed" in page.text
        assert page.text.index("task-worker-999") < page.text.index("task-worker-0")
        assert "it was killed (SIGKILL)" in page.text
        assert HOSTILE not in page.text
        assert 'id="task-worker-998"' in (await client.get(f"/trainings/{training['id']}?role=worker&at=20")).text
        assert len(page.content) < 120_000


async def test_events_and_manifests(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client, env={"X": HOSTILE}, secret_env={"TOKEN": "s3cret"})
        training = await start(client)
        events = await client.get(f"/trainings/{training['id']}/events")
        assert "Queued" in events.text
        manifests = await client.get(f"/trainings/{training['id']}/manifests")
        assert "Job <span" in manifests.text
        assert HOSTILE not in manifests.text
        assert "s3cret" not in manifests.text


async def test_stop_and_run_again(web: Web) -> None:
    async with (
        logged_in(web, "ada") as client,
        logged_in(web, "mel") as other,
        logged_in(web, "vic", UserRole.VIEWER) as v,
    ):
        await make_project(client)
        training = await start(client)
        page = f"/trainings/{training['id']}"
        for stranger in (other, v):
            assert 'data-dialog="stop"' not in (await stranger.get(page)).text
            assert (await stranger.post(f"{page}/stop")).status_code == 403
            assert (await stranger.post(f"{page}/retry")).status_code == 403
        refused = await client.post(f"{page}/retry")
        assert refused.status_code == 409
        assert "has not ended" in refused.text
        assert (await client.post(f"{page}/stop")).headers["location"] == page
        assert "A stop was asked for by ada" in (await client.get(page)).text
        assert "Not made yet" in (await client.get(page)).text
        await write(web, training["id"], state=State.STOPPED, reason=Reason.STOPPED_BY_USER)
        assert "Not made yet" not in (await client.get(page)).text
        again = await client.post(f"{page}/retry")
        assert again.status_code == 303
        assert "Retry of" in (await client.get(again.headers["location"])).text


async def test_notes_are_written_on_the_record(web: Web) -> None:
    async with logged_in(web, "ada") as client, logged_in(web, "mel") as other:
        await make_project(client)
        training = await start(client)
        page = f"/trainings/{training['id']}"
        assert "None yet." in (await client.get(page)).text
        assert 'id="notes"' not in (await other.get(page)).text
        assert (await other.post(f"{page}/notes", data={"notes": "mine"})).status_code == 403
        saved = await client.post(f"{page}/notes", data={"notes": f" {HOSTILE} "})
        assert saved.headers["location"] == f"{page}#notes"
        for reader in (client, other):
            shown = await reader.get(page)
            assert "&lt;script&gt;alert(1)" in shown.text
            assert HOSTILE not in shown.text
        refused = await client.post(f"{page}/notes", data={"notes": "n" * 20_001})
        assert refused.status_code == 422
        assert "these have 20,001" in refused.text
        assert "n" * 20_001 in refused.text


async def test_a_record_that_failed_shows_what_the_task_said_last(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client, roles={"worker": {"count": 3}})
        training = await start(client)
        page = f"/trainings/{training['id']}"
        for index in range(3):
            attempt = await try_of(web.context.database, UUID(training["id"]), "worker", index)
            lines = "".join(f"line {number} of {index}\n" for number in range(30))
            await say(web.context.database, attempt, f"{lines}ValueError: {HOSTILE}\n".encode())
        await run(web, "UPDATE tasks SET state = 'failed', finished_at = now() - index * interval '1 s'")
        await write(web, training["id"], state=State.RUNNING)
        assert "said last" not in (await client.get(page)).text
        await write(web, training["id"], state=State.FAILED, reason=Reason.TASK_FAILED, message="worker-2 failed.")
        shown = (await client.get(page)).text
        assert "What worker-2 said last" in shown
        assert "ValueError: &lt;script&gt;alert(1)" in shown
        assert HOSTILE not in shown
        assert "line 29 of 2" in shown
        assert "line 10 of 2" not in shown
        assert f'href="{page}/logs?task=worker-2"' in shown


async def test_tasks_that_were_removed_are_counted(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client, roles={"worker": {"count": 5}})
        training = await start(client)
        page = f"/trainings/{training['id']}"
        await write(web, training["id"], state=State.RUNNING, tasks_succeeded=1, tasks_running=2)
        assert "removed" not in (await client.get(page)).text
        await write(web, training["id"], state=State.FAILED, reason=Reason.TASK_FAILED, tasks_failed=2, tasks_running=0)
        assert "1 succeeded, 0 running, 2 failed, 2 removed of" in (await client.get(page)).text


@pytest.mark.parametrize(
    "address", ["/trainings/0199aaaa-0000-7000-8000-000000000000", "/projects/none", "/trainings/x"]
)
async def test_what_is_not_there_says_so(web: Web, address: str) -> None:
    async with logged_in(web, "ada") as client:
        answer = await client.get(address)
        assert answer.status_code == 404
        assert "<h1>" in answer.text


@pytest.mark.parametrize("address", ["/", "/trainings", "/projects", "/algorithms", "/new/project"])
async def test_nobody_sees_a_page(web: Web, address: str) -> None:
    async with logged_in(web, "ada") as client:
        client.cookies.clear()
        answer = await client.get(address)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")


async def test_the_stream_sends_what_has_changed_and_ends_with_the_training(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client)
        training = await start(client)
        page = await page_of(web, client.cookies["taas_session"], f"/live/trainings/{training['id']}")
        stream = training_live(page, training["id"])
        first = await message(stream)
        assert '<hx-partial hx-target="#training-head"' in first
        assert '<hx-partial hx-target="#tasks"' in first
        await web.context.listener.connected()
        await write(web, training["id"], state=State.RUNNING, starting_at=True, started_at=True)
        second = await message(stream)
        assert "Running" in second
        assert "#tasks" not in second
        await write(web, training["id"], state=State.SUCCEEDED, reason=Reason.COMPLETED, namespace_state="gone")
        assert "Succeeded" in await message(stream)
        assert (await asyncio.wait_for(anext(stream), SOON)).event == "done"
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(anext(stream), SOON)


async def test_a_stream_ends_when_the_process_does(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        stream = home_live(await page_of(web, client.cookies["taas_session"], "/live/home"))
        assert "home-live" in await message(stream)
        web.context.closing.set()
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(anext(stream), SOON)


async def message(stream: AsyncIterator[ServerSentEvent]) -> str:
    found = await asyncio.wait_for(anext(stream), SOON)
    assert found.raw_data is not None
    return found.raw_data


async def test_a_record_says_what_changed_since_the_last_success(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client)
        first, second, third = [await start(client) for _ in range(3)]
        assert "the last that succeeded" not in (await client.get(f"/trainings/{first['id']}")).text
        await write(web, first["id"], state=State.SUCCEEDED, reason=Reason.COMPLETED)
        await write(web, second["id"], state=State.FAILED, reason=Reason.TASK_FAILED)
        page = (await client.get(f"/trainings/{third['id']}")).text
        assert f'The same code as <a href="/trainings/{first["id"]}">#1</a>' in page
        await run(web, "UPDATE trainings SET spec = jsonb_set(spec, '{version}', '2') WHERE id = :id", id=third["id"])
        page = (await client.get(f"/trainings/{third['id']}")).text
        assert 'href="/algorithms/hello/compare/1...2"' in page
        code = await client.get(f"/trainings/{first['id']}/code")
        assert (code.status_code, code.headers["location"]) == (303, "/algorithms/hello/versions/1")


async def test_a_task_that_fell_silent_is_marked_and_its_tries_are_told(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client, roles={"worker": {"count": 3}})
        id_ = (await start(client))["id"]
        await write(web, id_, state=State.RUNNING, starting_at=True, started_at=True, tasks_running=3)
        for index, ago in enumerate((300, 1, 1)):
            attempt = await try_of(web.context.database, UUID(id_), "worker", index)
            await say(web.context.database, attempt, b"step\n" * 1_000)
            await run(
                web,
                "UPDATE log_chunks SET last_at = now() - make_interval(secs => :ago) WHERE attempt_id = :id",
                id=attempt,
                ago=ago,
            )
        await run(web, "UPDATE attempts SET created_at = now() - interval '1 h', started_at = now() - interval '1 h'")
        page = (await client.get(f"/trainings/{id_}")).text
        assert page.count("while its peers go on") == 1
        assert "1 fell silent" in page
        tasks = (await client.get(f"/api/v1/trainings/{id_}/tasks")).json()["items"]
        assert [task["silent_since"] is not None for task in tasks] == [True, False, False]
        await run(web, "UPDATE attempts SET state = 'failed', exit_code = 137, reason = 'OOMKilled' WHERE index = 0")
        await run(web, "UPDATE tasks SET state = 'failed', exit_code = 137 WHERE index = 0")
        await try_of(web.context.database, UUID(id_), "worker", 0, number=2)
        page = (await client.get(f"/trainings/{id_}")).text
        assert "2 tries" in page
        assert "exit 137: it was killed (SIGKILL)" in page
        assert "while its peers go on" not in page


async def test_each_try_is_told_step_by_step(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        await make_project(client)
        id_ = (await start(client))["id"]
        await write(web, id_, state=State.SUCCEEDED, starting_at=True, started_at=True, finished_at=True)
        await run(web, "UPDATE trainings SET created_at = :at", at=START)
        await run(web, "UPDATE trainings SET starting_at = created_at + interval '4 s'")
        await try_of(web.context.database, UUID(id_), "worker")
        for name, seconds in (("scheduled", 6), ("sandbox", 8), ("started", 20), ("finished", 95), ("created", 5)):
            await run(web, f"UPDATE attempts SET {name}_at = created_at + interval '{seconds} s'")
        page = (await client.get(f"/trainings/{id_}")).text
        told = page.split('<ol class="steps">')[1].split("</ol>")[0]
        steps = re.findall(r">([^<>]+)</\w+> <span class=\"quiet\">([^<]*)</span>", told)
        assert steps == [
            ("4 s", "in the queue"),
            ("1 s", "for the namespace and what is in it"),
            ("1 s", "until a node took it"),
            ("2 s", "for volumes and network"),
            ("12 s", "for the image and the container"),
            ("1 min 15 s", "it ran"),
        ]
        (task,) = (await client.get(f"/api/v1/trainings/{id_}/tasks")).json()["items"]
        (attempt,) = task["attempts"]
        assert (attempt["scheduled_at"], attempt["sandbox_at"]) == ("2026-11-24T03:00:06Z", "2026-11-24T03:00:08Z")
