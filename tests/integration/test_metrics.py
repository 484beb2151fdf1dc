"""Summaries on a storage become rows: read on from where the last reading ended, whatever the program does there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import httpx
import pytest

from app.services import event_reading
from tests.support.metric_room import Room, a_room
from tests.support.summaries import record, write
from tests.support.web import Web

FILES = Path(__file__).parent.parent / "data/tfevents"


@pytest.fixture
async def room(web: Web, tmp_path: Path) -> Room:
    root = tmp_path / "storage"
    root.mkdir()
    return await a_room(web, root, {"path": "/srv/taas", "node": "node-1", "taas_path": str(root)})


async def test_what_real_writers_wrote(room: Room, member: httpx.AsyncClient) -> None:
    assert (await room.read()).names == ()
    shutil.copytree(FILES, room.folder, dirs_exist_ok=True)
    metrics = await room.read()
    assert {(name.run, name.tag) for name in metrics.names} >= {
        ("tf2/train", "loss"),
        ("tf2/validation", "loss"),
        ("keras/validation", "epoch_loss"),
        ("tf1", "Größe/β"),
    }
    assert metrics.lost == metrics.left_out == 0
    body = (await member.get(f"/api/v1/trainings/{room.id}/metrics")).json()
    loss = next(item for item in body["items"] if (item["run"], item["tag"]) == ("tf2/train", "loss"))
    assert (loss["count"], loss["last"]["value"], loss["lowest"]["step"]) == (21, "NaN", 200)
    curves = (await member.get(f"/api/v1/trainings/{room.id}/metrics/series", params={"tag": "loss"})).json()["items"]
    assert [curve["run"] for curve in curves] == ["tf2/train", "tf2/validation"]
    assert curves[0]["values"][-1] == "NaN"
    csv = await member.get(f"/api/v1/trainings/{room.id}/metrics/csv", params={"tag": "loss", "run": "tf2/validation"})
    assert csv.headers["content-type"].startswith("text/csv")
    assert [line.split(",")[-1] for line in csv.text.split()] == ["value", "0.25", "0.125"]


async def test_a_file_that_grows_is_read_on_and_a_half_written_record_is_waited_for(room: Room) -> None:
    whole = record("loss", 3, 0.25)
    write(room.folder, record("loss", 1, 1.0), record("loss", 2, 0.5), whole[:20])
    await room.read()
    assert await room.values("loss") == [(1, 1.0), (2, 0.5)]
    await room.read()
    write(room.folder, whole[20:])
    write(room.folder / "eval", record("loss", 3, 0.75))
    await room.read()
    assert await room.values("loss") == [(1, 1.0), (2, 0.5), (3, 0.25)]
    assert await room.values("loss", "eval") == [(3, 0.75)]
    last = await room.web.context.metrics.last(room.id, "loss", ".")
    assert last is not None
    assert last.value == 0.25


async def test_a_broken_record_is_passed_over_and_counted(room: Room) -> None:
    broken = bytearray(record("loss", 2, 0.5))
    broken[-6] ^= 1
    write(room.folder, record("loss", 1, 1.0), bytes(broken), record("loss", 3, 0.25))
    assert (await room.read()).lost == 0  # it may be half written
    assert await room.values("loss") == [(1, 1.0)]
    assert (await room.read()).lost == 1
    assert await room.values("loss") == [(1, 1.0), (3, 0.25)]
    write(room.folder, bytes(100))
    await room.read()
    assert (await room.read()).lost == 2  # without a length nothing behind it can be found
    await room.end(ago=60)
    assert (await room.read()).complete


async def test_a_large_record_is_not_read(room: Room) -> None:
    picture = record("x" * (event_reading.LARGEST + 1), 1, 0.0)
    write(room.folder, picture, record("loss", 1, 1.0))
    await room.read()
    assert await room.values("loss") == [(1, 1.0)]


async def test_more_than_one_look_can_hold(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_reading, "MOST_PIECES", 2)
    monkeypatch.setattr(event_reading, "PIECE", 300_000)
    write(room.folder, *(record("loss", step, 1.0 / step) for step in range(1, 20_001)))
    await room.end(ago=60)
    assert not (await room.read()).complete
    for _ in range(3):
        metrics = await room.read()
    assert metrics.complete
    (name,) = metrics.names
    assert (name.count, name.downsampled) == (20_000, True)
    assert name.last is not None
    assert name.last.step == 20_000


async def test_metrics_outlive_their_files(room: Room) -> None:
    write(room.folder, record("loss", 1, 1.0))
    await room.read()
    await room.end(ago=5)
    write(room.folder, record("loss", 2, 0.5))
    assert not (await room.read()).complete  # what a node still holds back may come
    await room.end(ago=60)
    assert (await room.read()).complete
    shutil.rmtree(room.folder)
    assert (await room.read()).complete
    assert await room.values("loss") == [(1, 1.0), (2, 0.5)]


async def test_links_lead_nowhere(room: Room, tmp_path: Path) -> None:
    secret = write(tmp_path / "elsewhere", record("secret", 1, 42.0))
    room.folder.mkdir(parents=True)
    (room.folder / "events.out.tfevents.link").symlink_to(secret)
    (room.folder / "linked").symlink_to(secret.parent, target_is_directory=True)
    os.mkfifo(room.folder / "events.out.tfevents.pipe")
    assert (await room.read()).names == ()
    shutil.rmtree(room.folder)
    room.folder.symlink_to(secret.parent, target_is_directory=True)
    metrics = await room.read()
    assert metrics.names == ()
    assert "cannot be read" in metrics.problem


async def test_a_storage_that_taas_cannot_see_is_said_to_be_so(web: Web, tmp_path: Path) -> None:
    room = await a_room(web, tmp_path, {"path": "/srv/taas", "node": "node-1"})
    metrics = await room.read()
    assert "taas_path" in metrics.problem
    assert metrics.complete


async def test_a_stale_reader_writes_nothing(room: Room) -> None:
    write(room.folder, record("loss", 1, 1.0))
    await room.run("UPDATE metric_readings SET due_at = now() WHERE training_id = :id")
    (stale,) = await room.reader.claim(5)
    assert await room.reader.claim(5) == []
    await room.run("UPDATE metric_readings SET claimed_until = now() WHERE training_id = :id")
    await room.read()
    await room.reader.read(stale)
    assert await room.values("loss") == [(1, 1.0)]
    (name,) = (await room.read()).names
    assert name.count == 1


async def test_what_is_asked_wrongly_is_said(room: Room, member: httpx.AsyncClient) -> None:
    base = f"/api/v1/trainings/{room.id}/metrics"
    assert (await member.get(f"{base}/series", params={"tag": "nothing"})).status_code == 404
    assert (await member.get(f"{base}/series")).status_code == 422
    assert (await member.get(f"{base}/series", params={"tag": "a\0"})).status_code == 400
    assert (await member.get(f"{base}/series", params={"tag": "a", "max_points": 2})).status_code == 422
    other = await room.maker.start()
    compare = "/api/v1/projects/no-such/metrics"
    answer = await member.get(compare, params={"trainings": [str(other)], "tag": "loss"})
    assert answer.status_code == 422
    assert "not of no-such" in answer.json()["detail"]


async def test_trainings_are_compared(room: Room, member: httpx.AsyncClient) -> None:
    write(room.folder, *(record("loss", step, 1.0 / step) for step in range(1, 11)))
    await room.read()
    without = await room.maker.start()
    answer = await member.get(
        f"/api/v1/projects/{room.maker.name}/metrics",
        params={"trainings": [str(room.id), str(without)], "tag": "loss", "max_points": 5},
    )
    (curve,) = answer.json()["items"]
    assert (curve["training"], curve["number"], curve["count"]) == (str(room.id), 1, 10)
    assert curve["downsampled"] is True
    assert curve["steps"][0] == 1
    assert curve["steps"][-1] == 10
    recent = (await member.get(f"/api/v1/projects/{room.maker.name}/metrics/recent")).json()
    assert [one["number"] for one in recent["items"]] == [1]
    (best,) = recent["best"]
    assert (best["tag"], best["lower_is_better"], best["declared"]) == ("loss", True, False)
    assert best["training"] == str(room.id)
    assert (best["step"], best["value"]) == (10, pytest.approx(0.1))
    assert (await member.get("/api/v1/projects/no-such/metrics/recent")).status_code == 404
