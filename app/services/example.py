"""A training to begin with: an algorithm that needs nothing but bash, a project of it, and its first start."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator

from app.domain.access import Principal
from app.domain.project import Framework, Resources, Role, RunSpec
from app.domain.record import TrainingRecord
from app.errors import InvalidInput, NotFound
from app.services.algorithms import AlgorithmService
from app.services.drafts import ProjectDraft
from app.services.freeze import LaunchRequest
from app.services.images import ImageService
from app.services.launching import LaunchService
from app.services.projects import ProjectService
from app.services.uploads import Upload

NAME = "first-steps"
_BOUNDARY = "taas-first-steps"
_RUN_SH = """#!/usr/bin/env bash
# TaaS runs this file in every task of a training; the environment says which task it is.
set -euo pipefail
echo "I am $TAAS_ROLE-$TAAS_INDEX of $TAAS_PROJECT #$TAAS_NUMBER, try $TAAS_ATTEMPT, on $HOSTNAME"
echo "All workers: $TAAS_WORKER_HOSTS"
for step in 1 2 3 4 5; do
  echo "step $step of 5: loss 0.$((60 / step))"
  sleep 1
done
echo "done: replace this file by your training"
"""


class ExampleService:
    """What is there already is used as it is, so asking again starts it once more."""

    def __init__(
        self, algorithms: AlgorithmService, projects: ProjectService, images: ImageService, launching: LaunchService
    ) -> None:
        self._algorithms = algorithms
        self._projects = projects
        self._images = images
        self._launching = launching

    async def start(self, principal: Principal) -> TrainingRecord:
        """Upload it and make its project where they are missing, and start it.

        Raises `NotAllowed`, and `InvalidInput` while the catalogue has no default image.
        """
        try:
            await self._algorithms.get(principal, NAME)
        except NotFound:
            await self._algorithms.create(principal, _upload())
        try:
            await self._projects.get(principal, NAME)
        except NotFound:
            await self._projects.create(principal, await self._draft())
        return await self._launching.start(principal, NAME, LaunchRequest())

    async def _draft(self) -> ProjectDraft:
        image = await self._image()
        role = Role(2, Resources(cpu="100m", memory="128Mi"))
        return ProjectDraft(
            name=NAME,
            algorithm=NAME,
            version=None,
            run=RunSpec(Framework.PLAIN, image, {"worker": role}),
            image=image,
            notes="Two workers that say who they are. Change it, or make a project of your own.",
        )

    async def _image(self) -> str:
        """Any framework's default will do: all have bash."""
        for framework in (Framework.PLAIN, Framework.PYTORCH, Framework.TENSORFLOW):
            found = await self._images.default_for(framework)
            if found is not None:
                return found.reference
        raise InvalidInput("There is no default image yet: an admin adds one under Admin, Images.", code="no_image")


def _upload() -> Upload:
    """The form that a person would send."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("run.sh", _RUN_SH)
    head = f"--{_BOUNDARY}\r\nContent-Disposition: form-data; name="
    parts = [
        f'{head}"name"\r\n\r\n{NAME}\r\n'.encode(),
        f'{head}"description"\r\n\r\nTwo workers that say who they are.\r\n'.encode(),
        f'{head}"archive"; filename="{NAME}.zip"\r\n\r\n'.encode() + packed.getvalue() + b"\r\n",
        f"--{_BOUNDARY}--\r\n".encode(),
    ]
    body = b"".join(parts)
    return Upload(f"multipart/form-data; boundary={_BOUNDARY}", len(body), _once(body))


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
