"""Bodies of /servings."""

from __future__ import annotations

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Input, Moment, Name, Output, Whole
from app.api.schemas.projects import Count, Image, ResourcesBody
from app.domain.endpoints.endpoint import Endpoint, EndpointReason, EndpointState
from app.domain.endpoints.promotion import Better, PromotionWish
from app.domain.endpoints.serving import Autoscaling, Canary
from app.domain.endpoints.serving_addresses import addresses
from app.domain.project import Resources
from app.domain.training import NamespaceState
from app.services.servings import ModelChoice, Wanted

Training = Annotated[UUID | None, Field(description="A training that has exported a SavedModel to $TAAS_MODEL_DIR.")]
Path = Annotated[
    str,
    Field(
        max_length=500,
        description="With a training: within its model directory. Without: within the project's folder.",
        examples=["data/pretrained"],
    ),
]
Replicas = Annotated[Count, Field(description="1 to 64.")]
Args = Annotated[tuple[Annotated[str, Field(max_length=1_000)], ...], Field(max_length=50)]


class AutoscalingBody(Input):
    """As many replicas as it takes to keep them at `cpu_percent` of the cpu they request."""

    least: Count
    most: Count
    cpu_percent: Count = 70

    def to_domain(self) -> Autoscaling:
        return Autoscaling(self.least, self.most, self.cpu_percent)


class PromotionBody(Input):
    """The project's newest model goes live by itself when its last value of `metric` is better than the live one's."""

    metric: Annotated[
        str | None,
        Field(max_length=500, description="A tag of the summaries. Absent: as the project declares."),
    ] = None
    better: Annotated[
        Better | None,
        Field(description="Absent: as the project declares, else as its name tells, else higher."),
    ] = None
    least_gain: Annotated[float, Field(description="By how much at least.")] = 0.0
    bound: Annotated[float | None, Field(description="No worse than this, whatever is live.")] = None
    run: Annotated[str | None, Field(max_length=500, description="Of that run only.")] = None

    def to_domain(self) -> PromotionWish:
        return PromotionWish(self.metric, self.better, self.least_gain, self.bound, self.run)


class ModelIn(Input):
    training: Training = None
    path: Path = ""

    def choice(self) -> ModelChoice:
        return ModelChoice(self.training, self.path)


class ServingIn(ModelIn):
    """A model, and how it is to be served."""

    name: Annotated[Name | None, Field(description="Also the model's name in its address; absent: the project's.")] = (
        None
    )
    project: Annotated[str | None, Field(max_length=63, description="May be left out with a training.")] = None
    image: Annotated[Image | None, Field(description="Absent: TAAS_SERVING_IMAGE.")] = None
    replicas: Replicas = 2
    resources: ResourcesBody = ResourcesBody()
    args: Args = ()
    autoscaling: AutoscalingBody | None = None
    promotion: PromotionBody | None = None

    def wanted(self) -> Wanted:
        return Wanted(
            image=self.image,
            replicas=self.replicas,
            resources=Resources(**self.resources.model_dump()),
            args=self.args,
            autoscaling=self.autoscaling.to_domain() if self.autoscaling else None,
            promotion=self.promotion.to_domain() if self.promotion else None,
        )


class ServingPatch(Input):
    """Only what is there is changed."""

    image: Image | None = None
    replicas: Replicas | None = None
    resources: ResourcesBody | None = None
    args: Args | None = None
    autoscaling: Annotated[AutoscalingBody | None, Field(description="Null: a fixed number of replicas.")] = None
    promotion: Annotated[PromotionBody | None, Field(description="Null: people put versions live.")] = None

    def wanted(self) -> Wanted:
        return Wanted(
            image=self.image,
            replicas=self.replicas,
            resources=Resources(**self.resources.model_dump()) if self.resources else None,
            args=self.args,
            autoscaling=self.autoscaling.to_domain() if self.autoscaling else None,
            promotion=self.promotion.to_domain() if self.promotion else None,
            no_promotion="promotion" in self.model_fields_set and self.promotion is None,
            no_autoscaling="autoscaling" in self.model_fields_set and self.autoscaling is None,
        )


class VersionIn(ModelIn):
    """A new version: live at once, or as a canary."""

    canary_percent: Annotated[Count | None, Field(description="Null: every request goes to it.")] = None
    canary_replicas: Replicas = 1

    def canary(self) -> tuple[int, int] | None:
        return None if self.canary_percent is None else (self.canary_percent, self.canary_replicas)


class CanaryBody(Input):
    """A share of the requests for one version."""

    version: Count
    percent: Annotated[Count, Field(description="1 to 99.")]
    replicas: Replicas = 1

    def to_domain(self) -> Canary:
        return Canary(self.version, self.percent, self.replicas)


class GoLiveIn(Input):
    version: Count


class PredictIn(Input):
    """As TensorFlow Serving takes it: `instances` or `inputs`."""

    instances: Annotated[list[Any] | None, Field(description="A list of examples.")] = None
    inputs: Annotated[Any | None, Field(description="All values of each input, by name.")] = None
    signature_name: Annotated[str | None, Field(max_length=200)] = None


class VersionOut(Output):
    number: int
    source: str
    training_id: UUID | None
    storage: str
    path: str


class CanaryOut(Output):
    version: int
    percent: int
    replicas: int


class AutoscalingOut(Output):
    least: int
    most: int
    cpu_percent: int


class PromotionOut(Output):
    metric: str
    better: Better
    least_gain: float
    bound: float | None
    run: str | None


class VerdictOut(Output):
    """What became of a newer model of the project."""

    training_id: UUID
    project: str
    number: int
    at: Moment
    promoted: bool
    message: str


class ServingOut(Output):
    """A serving. `rolled_out`: everything in the cluster is as it is wanted; until then `message` says what is not."""

    id: UUID
    name: str
    project: str
    state: EndpointState
    reason: EndpointReason | None
    message: str
    rolled_out: bool
    live: int
    previous: Annotated[int | None, Field(description="What a rollback makes live.")]
    canary: CanaryOut | None
    versions: list[VersionOut]
    replicas: Whole
    ready: Annotated[Whole, Field(description="Pods that are ready, those that balance among them.")]
    autoscaling: AutoscalingOut | None
    promotion: PromotionOut | None
    resources: ResourcesBody
    image: str
    args: tuple[str, ...]
    rest: Annotated[str | None, Field(description="Where programs in the cluster send REST; null: it does not run.")]
    grpc: Annotated[str | None, Field(description="And gRPC.")]
    namespace: str | None
    namespace_state: NamespaceState
    created_by: str
    created_at: Moment
    running_at: Moment | None
    ended_at: Moment | None

    @classmethod
    def of(cls, endpoint: Endpoint) -> Self:
        spec = endpoint.serving
        rest, grpc = addresses(endpoint)
        return cls(
            id=endpoint.id,
            name=endpoint.name,
            project=endpoint.project,
            state=endpoint.state,
            reason=endpoint.reason,
            message=endpoint.message,
            rolled_out=endpoint.rolled_out,
            live=spec.live,
            previous=spec.previous,
            canary=CanaryOut.model_validate(spec.canary) if spec.canary else None,
            versions=[
                VersionOut(
                    number=version.number,
                    source=version.source,
                    training_id=version.training_id,
                    storage=version.storage.name,
                    path=version.path,
                )
                for version in reversed(spec.versions)
            ],
            replicas=spec.replicas,
            ready=endpoint.ready,
            autoscaling=AutoscalingOut.model_validate(spec.autoscaling) if spec.autoscaling else None,
            promotion=PromotionOut.model_validate(spec.promotion) if spec.promotion else None,
            resources=ResourcesBody(**{name: getattr(spec.resources, name) for name in ResourcesBody.model_fields}),
            image=spec.image,
            args=spec.args,
            rest=rest,
            grpc=grpc,
            namespace=endpoint.namespace,
            namespace_state=endpoint.namespace_state,
            created_by=endpoint.created_by,
            created_at=endpoint.created_at,
            running_at=endpoint.running_at,
            ended_at=endpoint.ended_at,
        )


class TensorOut(Output):
    name: str
    dtype: str
    shape: Annotated[list[int | None] | None, Field(description="A null may be any size; null as a whole: unknown.")]


class SignatureOut(Output):
    """One way to call the model."""

    name: str
    inputs: list[TensorOut]
    outputs: list[TensorOut]
    sample: Annotated[dict[str, Any] | None, Field(description="A body for predict; null: too long to be of use.")]


class ReplicaOut(Output):
    address: str
    slot: Annotated[str, Field(description="model (what is live) or canary.")]
    requests: int
    failed: int
    latency_ms: float | None
    share: Annotated[float, Field(description="Of its slot's requests, 0 to 1.")]


class TrafficOut(Output):
    """What the balancers have counted since each of them started."""

    per_second: Annotated[dict[str, int], Field(description="Requests in the last second, by protocol.")]
    requests: int
    failed: Annotated[int, Field(description="Answers 5xx.")]
    latency_ms: float | None
    slots: dict[str, int]
    replicas: list[ReplicaOut]


class PredictionOut(Output):
    status: Annotated[int, Field(description="The model's own HTTP status.")]
    body: Any
    milliseconds: float
