"""Which cluster: the one that the settings name, and no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kubernetes_asyncio import config as kube_config
from kubernetes_asyncio.client import Configuration
from kubernetes_asyncio.config import ConfigException

from app.errors import ClusterError
from app.settings import Settings


async def configure(settings: Settings) -> Any:
    """kubernetes-asyncio's configuration of the named cluster. Raises ClusterError when none is named or found."""
    configuration = Configuration()
    configuration.connection_pool_maxsize = settings.log_followers + 100
    try:
        if settings.in_cluster:
            load: Any = kube_config.load_incluster_config
            load(client_configuration=configuration)
        elif settings.kube_context is None:
            raise ClusterError(
                "No cluster is named. Set TAAS_KUBE_CONTEXT to a context of your kubeconfig, "
                "or TAAS_IN_CLUSTER=true where TaaS itself runs in the cluster."
            )
        else:
            await kube_config.load_kube_config(
                config_file=_file(settings),
                context=settings.kube_context,
                client_configuration=configuration,
                persist_config=False,
            )
    except (ConfigException, OSError, ValueError, KeyError) as exc:
        raise ClusterError(f"{named_cluster(settings)} cannot be used: {exc}.") from exc
    return configuration


def named_cluster(settings: Settings) -> str:
    """The cluster as its user knows it."""
    if settings.in_cluster:
        return "The cluster that TaaS runs in"
    return f"The context {settings.kube_context!r}{f' of {settings.kubeconfig}' if settings.kubeconfig else ''}"


def describe(settings: Settings, host: str) -> str:
    """Where requests will go, in words."""
    return f"{named_cluster(settings)[0].lower()}{named_cluster(settings)[1:]} at {host}"


def _file(settings: Settings) -> str | None:
    return None if settings.kubeconfig is None else str(Path(settings.kubeconfig).expanduser())
