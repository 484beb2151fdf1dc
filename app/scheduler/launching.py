"""The objects of a training, built whole before anything is written."""

from __future__ import annotations

import asyncio

from app.auth.seal import SealBroken
from app.domain.seen import Refusal
from app.domain.topology import TooMuchToTell
from app.domain.training import Training
from app.k8s.apply import Refused
from app.k8s.manifests import Launch, Manifest, TrainingObjects, build
from app.k8s.manifests.surroundings import namespace
from app.services.launches import LaunchBuilder
from app.storage import ObjectMissing


class Launcher:
    """May raise TaasError (try later) or Refused (it can never be launched)."""

    def __init__(self, launches: LaunchBuilder, installation: str) -> None:
        self._launches = launches
        self._installation = installation

    def namespace(self, training: Training) -> Manifest:
        """The namespace needs nothing of what is inside."""
        return namespace(
            Launch(
                training_id=training.id,
                project=training.project,
                number=training.number,
                installation=self._installation,
                namespace=training.namespace or "",
                spec=training.spec,
            )
        )

    async def objects(self, training: Training) -> TrainingObjects:
        try:
            return await asyncio.to_thread(build, await self._launches.launch_of(training))
        except TooMuchToTell as exc:
            raise Refused(Refusal("what the tasks are told", 413, str(exc))) from exc
        except ObjectMissing as exc:
            sentence = "its code is not in TaaS's storage any more; upload the algorithm's version again"
            raise Refused(Refusal("the launch", 404, sentence)) from exc
        except SealBroken as exc:
            raise Refused(Refusal("the launch", 500, exc.detail)) from exc
