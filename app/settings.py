"""One frozen `Settings`, read from the environment (prefix `TAAS_`) and from `.env` in the working directory."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MIB = 1024 * 1024
# A bare number is seconds: `90`, meant as days, must not remove everything.
_SHORTEST = timedelta(hours=1)
Network = IPv4Network | IPv6Network


def _like(pattern: str, words: str) -> AfterValidator:
    """A text of that form. Whoever wrote another one is told in words what would be right."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {words}")
        return text

    return AfterValidator(check)


Installation = Annotated[
    str,
    _like(
        r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?",
        "1 to 32 lower-case letters, digits and hyphens, and begin and end with a letter or digit",
    ),
]
HostName = Annotated[
    str,
    _like(
        r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?",
        "a host name in lower case, such as apps.example.com, without scheme and port",
    ),
]
GatewayName = Annotated[
    str,
    _like(r"[a-z0-9-]{1,63}/[a-z0-9.-]{1,253}", "`namespace/name` of a Gateway in lower case, such as infra/public"),
]
BaseUrl = Annotated[
    str, _like(r"https?://[^\s?#]+", "an http:// or https:// URL without ? and #, such as http://prometheus:9090")
]
LinkUrl = Annotated[
    str, _like(r"https?://\S+", "an http:// or https:// URL without spaces, such as https://grafana.example.com/d/taas")
]


class Settings(BaseSettings):
    """What an operator may set. Every field has a default that suits a first look on one machine."""

    model_config = SettingsConfigDict(
        env_prefix="TAAS_", env_file=".env", extra="ignore", frozen=True, ignored_types=(cached_property,)
    )

    home: Path = Field(Path(".taas"), description="Where TaaS keeps its own files: embedded database, objects, keys.")
    database_url: str | None = Field(None, description="postgresql://… (14 or newer); unset: an embedded one.")
    storage_url: str | None = Field(None, description="fsspec URL for bundles and log archives; unset: home/objects.")
    host: str = Field("127.0.0.1", description="The address that TaaS listens on.")
    port: int = Field(8000, ge=0, le=65535, description="And its port; 0: any that is free.")
    public_url: str | None = Field(None, description="How browsers reach TaaS, such as https://taas.example.com.")
    allowed_hosts: tuple[str, ...] = Field((), description="Host names accepted besides loopback and public_url's.")
    log_format: Literal["auto", "json", "pretty"] = Field("auto", description="auto: pretty on a terminal, else JSON.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="debug also tells requests that only read."
    )
    encryption_keys: SecretStr | None = Field(
        None, description="`id:base64` AES-256 keys, comma separated, newest first; unset: made under home."
    )

    kube_context: str | None = Field(None, description="A context of your kubeconfig; no cluster unless named.")
    kubeconfig: Path | None = Field(None, description="The kubeconfig file; unset: KUBECONFIG or ~/.kube/config.")
    in_cluster: bool = Field(False, description="Use the ServiceAccount of the pod that TaaS runs in.")
    installation: Installation | None = Field(
        None,
        description="This installation's label value in the cluster; unset: made once and kept in the database.",
    )
    gpu_resource: str = Field("nvidia.com/gpu", description="What a role's gpu asks the cluster for.")
    kube_qps: float = Field(50.0, gt=0, description="Requests a second to Kubernetes, shared by all of a process.")
    kube_burst: int = Field(100, ge=1, description="Requests that may go out at once after a quiet time.")

    admin_password: SecretStr | None = Field(
        None, description="The first admin's password, used when there is nobody yet; unset: a random one is printed."
    )
    session_lifetime: timedelta = Field(timedelta(days=14), description="How long a login holds.")
    upload_max_bytes: int = Field(256 * MIB, description="Of all files of an algorithm together, unpacked.")
    upload_max_entries: int = Field(10_000, description="Files and folders of an algorithm.")
    configmap_bundle_max_bytes: int = Field(4 * MIB, description="Larger bundles travel through a storage.")
    running_limit: int = Field(100, ge=1, description="Trainings of the installation that may run at a time.")
    evaluator_grace: timedelta = Field(
        timedelta(minutes=5), description="How long an evaluator may go on after the chief has ended."
    )
    node_lost_after: timedelta = Field(
        timedelta(minutes=2), description="How long a node may not answer before its tasks start elsewhere."
    )
    keep_records: timedelta | None = Field(
        None,
        ge=_SHORTEST,
        description="Ended records, TensorBoards and servings older than this are removed; unset: never.",
    )
    keep_logs: timedelta | None = Field(
        None, ge=_SHORTEST, description="Logs of trainings that ended longer ago are removed; unset: never."
    )
    keep_audit: timedelta | None = Field(
        None, ge=_SHORTEST, description="Entries of the audit log older than this are removed; unset: never."
    )

    webhook_allowed_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="Networks such as 10.1.0.0/16, comma separated, that webhooks may reach though not public."
    )
    smtp_host: str | None = Field(None, description="The server that takes mail; unset: TaaS sends none.")
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 587
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_from: str | None = Field(None, description="The sender, such as taas@example.com; unset: taas@ the SMTP host.")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="tls: from the first byte, as on port 465."
    )

    apps_host: HostName = Field(
        "localhost",
        description="TensorBoards are at `<id>.` before this name; in production a wildcard host of its own.",
    )
    apps_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="Networks such as 10.1.0.0/16, comma separated, from which TaaS reaches TensorBoards in pods."
    )
    tensorboards_per_user: int = Field(5, ge=1, description="TensorBoards that one person may have running at a time.")
    tensorboard_image: str | None = Field(None, description="Unset: the default image of tensorflow in the catalogue.")
    tensorboard_idle: timedelta = Field(
        timedelta(minutes=30), ge=timedelta(seconds=5), description="A TensorBoard unused for so long is stopped."
    )

    serving_image: str = Field(
        "tensorflow/serving:2.19.1", description="What serves models, unless a serving names another image."
    )
    balancer_image: str = Field("haproxy:3.2", description="HAProxy, 2.6 or newer: it spreads requests over replicas.")
    balancers: int = Field(2, ge=1, le=10, description="How many of it a serving has.")
    serving_drain: timedelta = Field(
        timedelta(seconds=40),
        ge=timedelta(seconds=1),
        le=timedelta(minutes=10),
        description="How long a leaving replica still answers: longer than the cluster's DNS answers are kept.",
    )
    serving_gateway: GatewayName | None = Field(
        None,
        description="`namespace/name` of a Gateway that balances instead, with servings at `<name>.` before apps_host.",
    )
    cluster_domain: str = Field("cluster.local", description="What the cluster's DNS names end with.")

    worker_name: str | None = Field(None, description="Unset: host name and process id.")
    worker_metrics_port: int | None = Field(
        None, ge=1, le=65535, description="Where a worker process shows its metrics to Prometheus; unset: nowhere."
    )
    worker_metrics_host: str = Field("127.0.0.1", description="The address it shows them on.")
    prometheus_url: BaseUrl | None = Field(
        None,
        description="A Prometheus that knows the cluster's pods, for curves of their hardware; unset: none.",
    )
    grafana_url: LinkUrl | None = Field(
        None,
        description="A training's link to Grafana; {namespace}, {project}, {number}, {from}, {to} are filled in.",
    )
    claim_seconds: float = Field(3.5, gt=0.5, description="How long a worker's claim on a training holds.")
    sweep_seconds: float = Field(1.0, gt=0, description="How often due rows are looked for when no hint arrives.")
    worker_concurrency: int = Field(16, ge=1, description="Trainings that a worker decides about at a time.")
    usage_seconds: float = Field(
        30.0, ge=5, le=600, description="How often a worker asks the cluster's metrics API what tasks use."
    )
    log_followers: int = Field(200, ge=1, description="Logs followed live at a time by one worker.")

    @cached_property
    def objects_url(self) -> str:
        """Where bundles and archives are kept."""
        return self.storage_url or f"file://{(self.home / 'objects').absolute()}"

    @cached_property
    def address(self) -> str:
        """How links to TaaS begin, in what it sends; without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @cached_property
    def mail_sender(self) -> str:
        """Whom mail comes from."""
        return self.smtp_from or f"taas@{self.smtp_host}"

    @field_validator("webhook_allowed_networks", "apps_networks", mode="before")
    @classmethod
    def _networks(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
