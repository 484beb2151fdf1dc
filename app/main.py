"""The web process: `create_app` puts the API, the pages and what guards them together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.api import openapi, problems
from app.api.failures import FailurePage
from app.api.guard import BodyLimit, CleanAddress, CsrfCheck, HostCheck, SecurityHeaders
from app.api.routes import ROUTERS, health, receive
from app.context import Context, open_context
from app.proxy.hosts import AppHosts
from app.settings import Settings
from app.telemetry import RequestMiddleware
from app.ui.errors import error_page, refusal_page
from app.ui.routes import router as pages
from app.ui.static_files import PageFiles


def create_app(settings: Settings, context: Context | None = None) -> FastAPI:
    """The application; without a `context` it opens one of its own for its lifetime."""
    app = FastAPI(
        title="TaaS",
        version=version("taas"),
        description="Training as a Service: distributed training on Kubernetes without writing a manifest.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        lifespan=_lifespan(settings, context),
    )
    app.state.context = context
    for router in ROUTERS:
        app.include_router(router, prefix="/api/v1")
    app.include_router(health.router)
    app.include_router(receive.router)
    app.include_router(pages)
    app.mount("/static", PageFiles())
    problems.install(app, error_page)
    openapi.install(app)
    # The last one added is the first to see a request.
    app.add_middleware(FailurePage, page=error_page)
    app.add_middleware(BodyLimit, settings=settings, page=refusal_page)
    app.add_middleware(CsrfCheck, settings=settings, page=refusal_page)
    app.add_middleware(CleanAddress, page=refusal_page)
    app.add_middleware(HostCheck, settings=settings, page=refusal_page)
    app.add_middleware(SecurityHeaders, secure=(settings.public_url or "").startswith("https://"))
    # The hosts of endpoints are none of ours: what guards TaaS's own pages is not for theirs.
    app.add_middleware(AppHosts, settings=settings)
    app.add_middleware(RequestMiddleware)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def _lifespan(settings: Settings, context: Context | None) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if context is not None:
            yield
            return
        async with open_context(settings) as own:
            app.state.context = own
            yield

    return lifespan
