"""What a serving runs: versions of a model behind one address, and the changes that are made to what is live.

Versions are counted within the serving from 1 and never change; TensorFlow Serving calls them by the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from app.domain.endpoints.promotion import Promotion
from app.domain.project import Resources
from app.domain.training import StorageMount

VERSIONS_KEPT = 20
"""The newest versions are remembered, and whatever is live, canary or next for a rollback."""


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One SavedModel: the directory `path` within the project's folder on `storage`; `source` says it in words."""

    number: int
    storage: StorageMount
    path: str
    source: str
    training_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Gateway:
    """A Gateway (Gateway API) of the cluster that takes routes for the names under `domain`."""

    namespace: str
    name: str
    domain: str


@dataclass(frozen=True, slots=True)
class Balancing:
    """How this installation spreads requests: by HAProxy (`image`, `count` of it), or by a Gateway where there is one.

    `drain` is how long a replica that leaves goes on answering: until every balancer has heard of it by DNS.
    """

    image: str
    count: int = 2
    cluster_domain: str = "cluster.local"
    drain: timedelta = timedelta(seconds=40)
    gateway: Gateway | None = None
    gpu_resource: str = "nvidia.com/gpu"


@dataclass(frozen=True, slots=True)
class Canary:
    """A second version that gets `percent` of the requests, on `replicas` of its own."""

    version: int
    percent: int
    replicas: int = 1


@dataclass(frozen=True, slots=True)
class Autoscaling:
    """Between `least` and `most` replicas, so that they use `cpu_percent` of the cpu they request."""

    least: int
    most: int
    cpu_percent: int = 70


@dataclass(frozen=True, slots=True)
class ServingSpec:
    """What is wanted of a serving. `name` is also the model's name in its address.

    `previous` is what a rollback makes live again.
    """

    name: str
    image: str
    balancing: Balancing
    versions: tuple[ModelVersion, ...]
    live: int
    replicas: int = 2
    resources: Resources = field(default_factory=lambda: Resources(cpu="500m", memory="1Gi"))
    args: tuple[str, ...] = ()
    previous: int | None = None
    canary: Canary | None = None
    autoscaling: Autoscaling | None = None
    promotion: Promotion | None = None

    def version(self, number: int) -> ModelVersion:
        """Raises LookupError when it is not known (any more)."""
        found = next((version for version in self.versions if version.number == number), None)
        if found is None:
            raise LookupError(f"There is no version {number}.")
        return found

    @property
    def next_number(self) -> int:
        """What the next version will be called."""
        return max((version.number for version in self.versions), default=0) + 1


def add(spec: ServingSpec, version: ModelVersion) -> ServingSpec:
    """It is known; nothing else changes. The oldest that nothing needs are forgotten."""
    needed = {spec.live, spec.previous, version.number, spec.canary.version if spec.canary else None}
    versions = (*spec.versions, version)
    surplus = len(versions) - VERSIONS_KEPT
    dropped = {known.number for known in [known for known in versions if known.number not in needed][: max(0, surplus)]}
    return replace(spec, versions=tuple(known for known in versions if known.number not in dropped))


def go_live(spec: ServingSpec, number: int) -> ServingSpec:
    """Every request goes to that version; a canary ends. Raises LookupError for an unknown version."""
    spec.version(number)
    previous = spec.previous if number == spec.live else spec.live
    return replace(spec, live=number, previous=previous, canary=None)


def start_canary(spec: ServingSpec, canary: Canary) -> ServingSpec:
    """A share of the requests goes to another version. Raises LookupError, and ValueError for the live one."""
    spec.version(canary.version)
    if canary.version == spec.live:
        raise ValueError(f"Version {canary.version} is live: it gets every request already.")
    return replace(spec, canary=canary)


def end_canary(spec: ServingSpec) -> ServingSpec:
    """Every request goes to the live version again."""
    return replace(spec, canary=None)


def roll_back(spec: ServingSpec) -> ServingSpec:
    """What was live before is live again; doing it twice changes nothing in the end.

    A canary is what would be rolled back first: with one, the live version stays and the canary ends.
    Raises ValueError when there is nothing to go back to.
    """
    if spec.canary is not None:
        return end_canary(spec)
    if spec.previous is None:
        raise ValueError(f"Version {spec.live} is the only one that was ever live.")
    return go_live(spec, spec.previous)
