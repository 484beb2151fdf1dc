"""A training whose files lie on a storage that TaaS sees."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from app.domain.training import StorageMount
from tests.support.trainings import Maker, run_spec
from tests.support.web import Web


@dataclass(frozen=True)
class Left:
    """`outside` lies beside the storage's root; `logs` and `models` are the training's directories, not made yet."""

    id: UUID
    outside: Path
    logs: Path
    models: Path


async def training_with_files(web: Web, home: Path, *, seen: bool = True) -> Left:
    root = home / "storage"
    root.mkdir()
    maker = await Maker.create(web.context)
    config = {"path": "/srv/taas", "node": "node-1"} | ({"taas_path": str(root)} if seen else {})
    training_id = await maker.start(run_spec(), storage=StorageMount("default", "local", config, "digits-abcde"))
    number = str((await maker.get(training_id)).number)
    folder = root / "digits-abcde"
    return Left(training_id, home, folder / "logs" / number, folder / "models" / number)
