"""What a training has been through, written as a worker would have: states, tries, logs, events, curves, files."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.db import event_rows, metric_readings, trainings
from app.domain.story import Happening
from app.domain.training import LogVerdict, Reason, State, Training
from app.services.metric_reading import MetricReadingService
from tests.support.pages import run
from tests.support.pages import write as write_status
from tests.support.summaries import record
from tests.support.summaries import write as write_summaries
from tests.support.web import Web
from tests.support.written_logs import START, judge, say, try_of

EPOCHS = 40
STEPS = 30
"""Of an epoch."""
NODES = ("cpu-1", "cpu-2", "gpu-1")


@dataclass(frozen=True)
class Life:
    """When it was started, how long it ran (so far), and how it ended; `pace` makes its curves better or worse."""

    began: datetime
    ran: timedelta
    state: State = State.SUCCEEDED
    reason: Reason | None = Reason.COMPLETED
    message: str = ""
    pace: float = 1.0
    queued: timedelta = timedelta(seconds=3)
    pulled: timedelta = timedelta(seconds=21)

    @property
    def left_queue(self) -> datetime:
        return self.began + self.queued

    @property
    def runs_since(self) -> datetime:
        return self.left_queue + self.pulled

    @property
    def end(self) -> datetime | None:
        return self.runs_since + self.ran if self.state.ended else None

    @property
    def done(self) -> float:
        """How much of its epochs it has done."""
        return {State.RUNNING: 0.6, State.FAILED: 0.35, State.STOPPED: 0.2}.get(self.state, 1.0)

    def at(self, part: float) -> datetime:
        """A moment of its running time, from 0 to 1."""
        return self.runs_since + self.ran * part


async def live(web: Web, disk: Path, id_: str, life: Life, *, curves: bool = True) -> Training:
    """Write all of it; with `curves` also what the program writes to the storage."""
    training = await _training(web, UUID(id_))
    await _status(web, training, life)
    await _tasks(web, training, life)
    await _events(web, training, life)
    if curves and training.spec.storage:
        folder = disk / training.spec.storage.folder
        _curves(folder / "logs" / str(training.number), life)
        if life.state is State.SUCCEEDED:
            _model(folder / "models" / str(training.number))
        async with web.context.database.transaction() as connection:
            await metric_readings.begin(connection, State.STARTING, await _training(web, training.id))
    return await _training(web, training.id)


async def read_curves(web: Web) -> None:
    """Until every summary that is there has been read."""
    reader = MetricReadingService(web.context.database, web.context.clock)
    while readings := await reader.claim(20):
        for reading in readings:
            await reader.read(reading)


async def _training(web: Web, id_: UUID) -> Training:
    async with web.context.database.read() as connection:
        found = await trainings.by_id(connection, id_)
    assert found is not None
    return found.training


async def _status(web: Web, training: Training, life: Life) -> None:
    total = training.counts.total
    ended = life.state.ended
    counts = {
        "tasks_running": 0 if ended else total,
        "tasks_succeeded": total if life.state is State.SUCCEEDED else 0,
        "tasks_failed": 1 if life.state is State.FAILED else 0,
    }
    values: dict[str, Any] = {
        "state": life.state,
        "reason": life.reason if ended else None,
        "message": life.message,
        "created_at": life.began,
        "starting_at": life.left_queue,
        "started_at": life.runs_since,
        "finished_at": life.end,
        "archived_at": life.end,
        "namespace": f"taas-{training.project}-{training.number}-{training.id.hex[-5:]}",
        "namespace_state": "gone" if ended else "present",
        **counts,
    }
    await write_status(web, str(training.id), **values)


async def _tasks(web: Web, training: Training, life: Life) -> None:
    spec = training.spec.run
    keys = [(role, index) for role in spec.role_names for index in range(spec.roles[role].count)]
    for place, (role, index) in enumerate(keys):
        last = place == len(keys) - 1
        failed = life.state is State.FAILED and last
        left = "running" if life.end is None else "failed" if failed else "succeeded" if _does_end(role) else "removed"
        exit_code = {"failed": 137 if life.reason is Reason.OUT_OF_MEMORY else 1, "succeeded": 0}.get(left)
        values = {
            "id": training.id,
            "role": role,
            "index": index,
            "state": left,
            "node": NODES[place % len(NODES)],
            "since": life.runs_since + timedelta(seconds=place),
            "until": life.end,
            "code": exit_code,
            "message": life.message if failed else "",
        }
        await run(
            web,
            "UPDATE tasks SET state = :state, node = :node, started_at = :since, finished_at = :until, attempts = 1, "
            "exit_code = :code, message = :message WHERE training_id = :id AND role = :role AND index = :index",
            **values,
        )
        attempt = await try_of(web.context.database, training.id, role, index)
        for at, line in _lines(role, index, life):
            await say(web.context.database, attempt, line, at=(at - START).total_seconds())
        if life.end is not None:
            verdict = LogVerdict.UNVERIFIED if left == "removed" else LogVerdict.VERIFIED
            await judge(web.context.database, attempt, verdict)
        await run(
            web,
            "UPDATE attempts SET state = :state, node = :node, created_at = :made, started_at = :since, "
            "finished_at = :until, exit_code = :code WHERE id = :attempt",
            attempt=attempt,
            made=life.left_queue,
            **{name: values[name] for name in ("state", "node", "since", "until", "code")},
        )


def _does_end(role: str) -> bool:
    """Parameter servers serve until they are removed."""
    return role != "ps"


def _lines(role: str, index: int, life: Life) -> list[tuple[datetime, bytes]]:
    """What a task says: workers and parameter servers little, whoever leads a line an epoch."""
    chance = random.Random(f"{role}-{index}-{life.began}")
    where = f"grpc://{role}-{index}.tasks:2222"
    said = [(life.at(0), f"TensorFlow 2.21.0, {role}-{index}, tasks: 1 chief, 2 worker, 1 ps\n")]
    if role != "chief":
        said.append((life.at(0.01), f"{life.at(0.01):%Y-%m-%d %H:%M:%S} INFO server: listening at {where}\n"))
        if role == "worker":
            slow = f"{life.at(0.4):%Y-%m-%d %H:%M:%S} WARNING input: 212 ms a batch, 3 times the median\n"
            said.append((life.at(0.4), slow))
    else:
        upto = round(EPOCHS * life.done)
        for epoch in range(1, upto + 1):
            loss, score = _loss(epoch / EPOCHS, life.pace), _score(epoch / EPOCHS, life.pace)
            colour = "\x1b[32m" if epoch % 10 == 0 else ""
            told = f"{colour}epoch {epoch:2}/{EPOCHS}\x1b[0m  loss {loss:.4f}  test accuracy {score:.4f}"
            said.append((life.at(epoch / upto * 0.97), f"{told}  {chance.uniform(1.6, 2.3):.1f} s\n"))
    if life.state is State.FAILED and life.reason is not Reason.OUT_OF_MEMORY:
        trace = (
            'Traceback (most recent call last):\n  File "train.py", line 74, in train\n    raise ValueError(problem)\n'
        )
        said.append((life.at(0.98), f"{trace}ValueError: the loss became NaN at step 1840\n"))
    elif life.end is not None and role != "ps":
        said.append((life.at(0.99), "kept models/checkpoint.npz and models/export\n"))
    return [(at, line.encode()) for at, line in said]


def _loss(part: float, pace: float) -> float:
    return 2.3 * math.exp(-5.5 * part * pace) + 0.06 / pace


def _score(part: float, pace: float) -> float:
    return 0.985 - 0.88 * math.exp(-6 * part * pace) - 0.02 / pace


def _curves(folder: Path, life: Life) -> None:
    chance = random.Random(str(life.began))
    last = round(EPOCHS * STEPS * life.done)
    for name, every, noise, worse in (("train", 1, 0.05, 0.0), ("test", STEPS, 0.012, 0.03)):
        records = []
        for step in range(every, last + 1, every):
            part, at = step / EPOCHS / STEPS, life.at(step / last).timestamp()
            loss = (_loss(part, life.pace) + worse) * (1 + chance.gauss(0, noise))
            score = min(1.0, _score(part, life.pace) - worse / 3 + chance.gauss(0, noise / 6))
            records += [record("loss", step, loss, at), record("accuracy", step, score, at)]
        write_summaries(folder / name, *records)
    for step in range(STEPS, last + 1, STEPS):
        at = life.at(step / last).timestamp()
        rate = record("learning_rate", step, 0.2 * 0.97 ** (step / STEPS), at)
        write_summaries(folder, rate, record("steps_per_second", step, chance.gauss(48, 2.5), at))


def _model(folder: Path) -> None:
    export = folder / "export" / "1"
    (export / "variables").mkdir(parents=True)
    (export / "saved_model.pb").write_bytes(bytes(48_213))
    (export / "variables" / "variables.data-00000-of-00001").write_bytes(bytes(198_400))
    (export / "variables" / "variables.index").write_bytes(bytes(312))
    (folder / "checkpoint.npz").write_bytes(bytes(201_004))
    (folder / "labels.txt").write_text("\n".join(map(str, range(10))) + "\n")
    (folder / "config.json").write_text('{\n  "hidden": 64,\n  "rate": 0.2,\n  "batch": 32,\n  "classes": 10\n}\n')


async def _events(web: Web, training: Training, life: Life) -> None:
    space = training.namespace
    told = [
        ("Starting", "normal", "", f"It left the queue; its namespace is {space}.", life.left_queue, 1),
        ("Running", "normal", "", "Every task runs.", life.runs_since, 1),
    ]
    if life.state is not State.SUCCEEDED:
        trouble = "Readiness probe errored: rpc error: code = DeadlineExceeded desc = context deadline exceeded"
        told.append(("Unhealthy", "warning", "Pod/worker-1-0-x7kfq", trouble, life.at(0.3), 4))
    if life.state is State.FAILED:
        told.append(("Failed", "warning", "", life.message, life.at(1), 1))
    elif life.end is not None:
        told += [
            (life.state.title(), "normal", "", life.message or "The chief ended with exit code 0.", life.at(1), 1),
            (
                "NamespaceGone",
                "normal",
                "",
                "The namespace and all in it are gone.",
                life.at(1) + timedelta(minutes=10),
                1,
            ),
        ]
    happenings = [
        Happening(f"{reason}:{at}", "kubernetes" if where else "taas", severity, reason, where, message, at, at, count)
        for reason, severity, where, message, at, count in told
    ]
    async with web.context.database.transaction() as connection:
        queued = text("UPDATE events SET first_at = :at, last_at = :at WHERE training_id = :id AND reason = 'Queued'")
        await connection.execute(queued, {"at": life.began, "id": training.id})
        await event_rows.save(connection, training.id, happenings)
