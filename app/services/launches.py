"""What a worker needs to make a training's objects: its code, its secrets, its registry's login."""

from __future__ import annotations

import asyncio

from app.auth.seal import SealBroken, Sealer
from app.db import projects
from app.db.engine import Database
from app.domain import names
from app.domain.algorithm import bundle_key
from app.domain.places import project_secret_place
from app.domain.training import StorageMount, Training
from app.k8s.manifests import Launch
from app.k8s.manifests.storages import KINDS
from app.services.installation import InstallationName
from app.services.launching import stored_bundle
from app.services.project_folders import prepare
from app.services.registry_logins import pull_secret
from app.settings import Settings
from app.storage import ObjectStore, StorageUnavailable


class LaunchBuilder:
    """Gathers a `Launch` from rows, keys and storage. It may be gathered again at any time with the same result,
    except that secrets and logins are those of now."""

    def __init__(
        self,
        database: Database,
        storage: ObjectStore,
        sealer: Sealer,
        *,
        installation: InstallationName,
        settings: Settings,
    ) -> None:
        self._database = database
        self._storage = storage
        self._sealer = sealer
        self._installation = installation
        self._settings = settings

    async def launch_of(self, training: Training) -> Launch:
        """Everything that the training's objects depend on; what it puts on a storage is there when this returns.

        Raises `ObjectMissing` when the code is gone, `StorageUnavailable` and `SealBroken`.
        """
        key = bundle_key(training.spec.digest)
        inline = await self._storage.size(key) <= self._settings.configmap_bundle_max_bytes
        if training.spec.storage is not None:
            await self._prepare(training.spec.storage)
        if not inline:
            await self._put_on_storage(training, key)
        return Launch(
            training_id=training.id,
            project=training.project,
            number=training.number,
            installation=await self._installation.get(),
            namespace=training.namespace or names.namespace(training.project, training.number, training.id),
            spec=training.spec,
            bundle=await self._storage.read(key) if inline else None,
            bundle_path=None if inline else stored_bundle(training.spec.digest),
            secret_env=await self._secret_env(training),
            pull_secret=await pull_secret(self._database, self._sealer, training.spec.run.image),
            gpu_resource=self._settings.gpu_resource,
        )

    async def _prepare(self, mount: StorageMount) -> None:
        url = KINDS[mount.kind].url(mount.config)
        if url is not None:
            await asyncio.to_thread(prepare, url, mount.folder)

    async def _put_on_storage(self, training: Training, key: str) -> None:
        mount = training.spec.storage
        url = KINDS[mount.kind].url(mount.config) if mount else None
        if mount is None or url is None:
            raise StorageUnavailable("The code is too large for ConfigMaps, and no storage that TaaS can write has it.")
        target = ObjectStore(f"{url}/{mount.folder}")
        path = stored_bundle(training.spec.digest)
        if not await target.exists(path):
            await target.put_file(path, await self._storage.open(key))

    async def _secret_env(self, training: Training) -> dict[str, str]:
        wanted = training.spec.run.secret_env
        if not wanted:
            return {}
        async with self._database.read() as connection:
            sealed = await projects.secrets(connection, training.project_id)
        if missing := [name for name in wanted if name not in sealed]:
            raise SealBroken(
                f"The project has no value for {', '.join(missing)} any more. Set it again, or start a new training."
            )
        return {
            name: self._sealer.open(sealed[name], project_secret_place(training.project_id, name)) for name in wanted
        }
