"""The only wiring: everything a process uses is built here once and handed down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from app.auth.seal import Keys, Sealer, keys_in_file, parse_keys
from app.db.engine import Database
from app.db.notify import Listener
from app.db.open import open_database
from app.domain.clock import Clock, utc_now
from app.services.accounts import AccountService
from app.services.algorithms import AlgorithmService
from app.services.audit import AuditService
from app.services.backfills import BackfillService
from app.services.chains import Chains
from app.services.cluster import ClusterService
from app.services.comparisons import ComparisonService
from app.services.dead_man import DeadManService
from app.services.deliveries import DeliveryService
from app.services.endpoint_objects import EndpointBuilder
from app.services.endpoints import EndpointService
from app.services.example import ExampleService
from app.services.figures import FiguresService
from app.services.firing import FiringService
from app.services.first_start import FirstStart
from app.services.follows import FollowService
from app.services.hardware import HardwareService
from app.services.health import HealthService
from app.services.hook_calls import HookCalls
from app.services.hook_rotation import HookRotation
from app.services.hooks import HookService
from app.services.idempotency import IdempotencyService
from app.services.images import ImageService
from app.services.installation import InstallationName
from app.services.launches import LaunchBuilder
from app.services.launching import LaunchService
from app.services.log_download import LogDownload
from app.services.log_search import LogSearchService
from app.services.logs import LogService
from app.services.metric_reading import MetricReadingService
from app.services.metrics import MetricsService
from app.services.model_calls import ModelCalls
from app.services.outlook import OutlookService
from app.services.passes import PassService
from app.services.projects import ProjectService
from app.services.promotions import PromotionService
from app.services.registries import RegistryService
from app.services.retention import RetentionService
from app.services.revisions import RevisionService
from app.services.schedule_preview import SchedulePreviewService
from app.services.schedules import ScheduleService
from app.services.search import SearchService
from app.services.secrets import SecretService
from app.services.servings import ServingService
from app.services.settings import SettingsService
from app.services.storages import StorageService
from app.services.subscriptions import SubscriptionService
from app.services.tensorboards import TensorBoardService
from app.services.tokens import TokenService
from app.services.training_files import TrainingFiles
from app.services.trainings import TrainingService
from app.services.uploads import limits_of
from app.services.usage import UsageService
from app.settings import Settings
from app.storage import ObjectStore


@dataclass(frozen=True, slots=True)
class Context:
    """What the web process and the worker share.

    `closing` is set when the process is about to end: whoever streams an answer ends it then.
    """

    settings: Settings
    database: Database
    listener: Listener
    storage: ObjectStore
    clock: Clock
    accounts: AccountService
    algorithms: AlgorithmService
    comparisons: ComparisonService
    search: SearchService
    example: ExampleService
    tokens: TokenService
    sealer: Sealer
    registries: RegistryService
    images: ImageService
    storages: StorageService
    projects: ProjectService
    revisions: RevisionService
    launching: LaunchService
    outlooks: OutlookService
    firing: FiringService
    backfills: BackfillService
    dead_man: DeadManService
    schedule_previews: SchedulePreviewService
    schedules: ScheduleService
    trainings: TrainingService
    files: TrainingFiles
    hooks: HookService
    hook_calls: HookCalls
    hook_rotation: HookRotation
    follows: FollowService
    chains: Chains
    logs: LogService
    figures: FiguresService
    metrics: MetricsService
    metric_readings: MetricReadingService
    usage: UsageService
    hardware: HardwareService
    log_search: LogSearchService
    log_download: LogDownload
    retention: RetentionService
    subscriptions: SubscriptionService
    deliveries: DeliveryService
    installation: InstallationName
    launches: LaunchBuilder
    endpoint_builder: EndpointBuilder
    endpoints: EndpointService
    tensorboards: TensorBoardService
    passes: PassService
    servings: ServingService
    promotions: PromotionService
    model_calls: ModelCalls
    secrets: SecretService
    idempotency: IdempotencyService
    health: HealthService
    cluster: ClusterService
    audit: AuditService
    settings_in_force: SettingsService
    first_start: FirstStart
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def secure(self) -> bool:
        """Whether browsers reach TaaS over https."""
        return (self.settings.public_url or "").startswith("https://")


def build_context(settings: Settings, database: Database, *, clock: Clock = utc_now) -> Context:
    """The services over an open database; the listener is not started."""
    accounts = AccountService(database, clock, session_lifetime=settings.session_lifetime)
    tokens = TokenService(database, clock)
    storage = ObjectStore(settings.objects_url)
    algorithms = AlgorithmService(
        database,
        storage,
        scratch=settings.home / "uploads",
        limits=limits_of(settings),
        inline_max_bytes=settings.configmap_bundle_max_bytes,
    )
    sealer = Sealer(lambda: _keys(settings))
    listener = Listener(database)
    installation = InstallationName(database, settings)
    subscriptions = SubscriptionService(database, clock, sealer, settings)
    launching = LaunchService(database, clock, settings, installation)
    projects = ProjectService(database, clock, sealer)
    images = ImageService(database, clock)
    servings = ServingService(database, clock, settings)
    hooks = HookService(database, clock, sealer)
    logs = LogService(database, storage, listener)
    return Context(
        settings=settings,
        database=database,
        listener=listener,
        storage=storage,
        clock=clock,
        accounts=accounts,
        algorithms=algorithms,
        comparisons=ComparisonService(algorithms),
        search=SearchService(database),
        example=ExampleService(algorithms, projects, images, launching),
        tokens=tokens,
        sealer=sealer,
        registries=RegistryService(database, clock, sealer),
        images=images,
        storages=StorageService(database, clock),
        projects=projects,
        revisions=RevisionService(database),
        launching=launching,
        outlooks=OutlookService(database, settings),
        firing=FiringService(database, settings),
        backfills=BackfillService(database, settings),
        dead_man=DeadManService(database),
        schedule_previews=SchedulePreviewService(database, clock),
        schedules=ScheduleService(database),
        trainings=TrainingService(database, listener),
        files=TrainingFiles(database),
        hooks=hooks,
        hook_calls=HookCalls(database, sealer, launching, hooks),
        hook_rotation=HookRotation(database, sealer),
        follows=FollowService(database, clock),
        chains=Chains(database, launching),
        figures=FiguresService(database),
        metrics=MetricsService(database, settings),
        metric_readings=MetricReadingService(database, clock),
        logs=logs,
        usage=UsageService(database, clock, settings),
        hardware=HardwareService(database, clock, settings),
        log_search=LogSearchService(database, storage, logs),
        log_download=LogDownload(database, storage, logs),
        retention=RetentionService(database, storage, algorithms.bundles, settings=settings, clock=clock),
        subscriptions=subscriptions,
        deliveries=DeliveryService(database, subscriptions),
        installation=installation,
        launches=LaunchBuilder(database, storage, sealer, installation=installation, settings=settings),
        endpoint_builder=EndpointBuilder(database, sealer, installation=installation, settings=settings),
        endpoints=EndpointService(database),
        tensorboards=TensorBoardService(database, clock, settings),
        passes=PassService(database, accounts),
        servings=servings,
        promotions=PromotionService(database, servings),
        model_calls=ModelCalls(),
        secrets=SecretService(database, sealer),
        idempotency=IdempotencyService(database),
        health=HealthService(database),
        cluster=ClusterService(database),
        audit=AuditService(database),
        settings_in_force=SettingsService(settings),
        first_start=FirstStart(database, clock, accounts, tokens),
    )


@asynccontextmanager
async def open_context(settings: Settings) -> AsyncIterator[Context]:
    """All of it, for the length of the block: the database opened (not migrated) and the listener running."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings))
        context = build_context(settings, database)
        await context.listener.start()
        stack.push_async_callback(context.listener.close)
        yield context


def context_of(connection: HTTPConnection) -> Context:
    """The context of the process that answers this request."""
    context: Context = connection.app.state.context
    return context


def _keys(settings: Settings) -> Keys:
    given = settings.encryption_keys
    return parse_keys(given.get_secret_value()) if given else keys_in_file(settings.home)
