"""The way to Kubernetes: one client per process, with one rate limit, bytes in and bytes out.

kubernetes-asyncio reads the configuration (kubeconfig or in-cluster) and keeps the TLS and tokens; the bodies are ours,
because its generated models cost fifty times as much. Errors are translated here, once: 404 is `None`, everything else
a `ClusterError`. Only a cluster that was named in the settings is ever connected to.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import aiohttp
import msgspec
from kubernetes_asyncio.client import ApiClient

from app import telemetry
from app.errors import ClusterError
from app.k8s.config import configure, describe, named_cluster
from app.k8s.limits import RateLimit
from app.k8s.tls import keep_connections_small
from app.settings import Settings

OLDEST = (1, 29)
TRIES = 4
CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 30.0
# A person who asks for a Retry-After of an hour is not waited for inside a call.
LONGEST_WAIT = 10.0
_PASSING = {429, 500, 502, 503, 504}

Params = Mapping[str, str | int]
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"


class Version(msgspec.Struct, rename={"git_version": "gitVersion"}):
    """What the API server says of itself."""

    major: str = ""
    minor: str = ""
    git_version: str = ""


class KubeClient:
    """Calls to one cluster. Every call may raise ClusterError; passing troubles are tried again a few times first."""

    agent = "taas"
    """How the API server's audit log names these requests."""

    def __init__(self, settings: Settings, api: ApiClient) -> None:
        self._settings = settings
        self._api = api
        self._limit = RateLimit(settings.kube_qps, settings.kube_burst)
        self.version = Version()

    @classmethod
    async def connect(cls, settings: Settings) -> KubeClient:
        """Connect to the cluster that the settings name. Raises ClusterError: none named, no answer, or too old."""
        keep_connections_small()
        client = cls(settings, ApiClient(await configure(settings)))
        try:
            await client.check()
        except BaseException:
            await client.close()
            raise
        return client

    @property
    def description(self) -> str:
        """Which cluster this is, in words, for people to check before anything is done to it."""
        return f"{describe(self._settings, self._host)}, Kubernetes {self.version.git_version}"

    @property
    def _host(self) -> str:
        return str(self._api.configuration.host)

    async def check(self) -> None:
        """Raises ClusterError when the cluster does not answer or is older than TaaS can use."""
        data = await self.get("/version")
        self.version = msgspec.json.decode(data or b"{}", type=Version)
        refuse_old(self.version, named_cluster(self._settings))

    async def get(self, path: str, params: Params | None = None) -> bytes | None:
        """The object's or list's JSON; None when there is no such thing."""
        return await self._call("GET", path, params=params)

    async def create(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Create an object in the collection at `path`. One that is there already raises with http_status 409."""
        made = await self._call("POST", path, body=body)
        if made is None:
            raise ClusterError(f"{path} does not exist in the cluster.", http_status=404, reason="NotFound")
        return made

    async def patch(
        self, path: str, change: Any, *, kind: str = JSON_PATCH, params: Params | None = None
    ) -> bytes | None:
        """The changed object; None when it is not there. An unmet precondition raises with http_status 409 or 422."""
        return await self._call("PATCH", path, body=change, kind=kind, params=params)

    async def delete(
        self,
        path: str,
        *,
        uid: str | None = None,
        propagation: str | None = None,
        grace: int | None = None,
        params: Params | None = None,
    ) -> bytes | None:
        """Delete an object or a collection; None when it is not there. Another UID than `uid` raises 409."""
        options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        if propagation is not None:
            options["propagationPolicy"] = propagation
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        return await self._call("DELETE", path, body=options, params=params)

    @asynccontextmanager
    async def stream(
        self, path: str, params: Params | None = None, *, idle: float | None = None, can_wait: bool = False
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A long answer to read piece by piece (a watch, a followed log); never tried again.

        No byte for `idle` seconds raises ClusterError, also from the block that reads. A 404 raises with http_status.
        `can_wait`: only once there is little else to ask of the cluster.
        """
        await (self._limit.take_last() if can_wait else self._limit.take())
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=idle)
        try:
            async with await self._send("GET", path, params=params, timeout=timeout) as response:
                if response.status >= 300:
                    raise _refused("GET", path, response, await response.read())
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise no_answer(exc) from exc

    async def close(self) -> None:
        await self._api.close()

    async def _call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        kind: str = "application/json",
        params: Params | None = None,
    ) -> bytes | None:
        data = None if body is None else msgspec.json.encode(body)
        fresh_login = False
        for attempt in range(1, TRIES + 1):
            await self._limit.take()
            try:
                return await self._once(method, path, data=data, kind=kind, params=params)
            except ClusterError as exc:
                if exc.http_status == 401 and not fresh_login:
                    fresh_login = True
                    await self._log_in_again()
                    continue
                if not _passing(exc) or attempt == TRIES:
                    raise
                await asyncio.sleep(_wait(attempt, exc.retry_after))
        raise AssertionError("the loop returns or raises")

    async def _once(
        self, method: str, path: str, *, data: bytes | None, kind: str, params: Params | None
    ) -> bytes | None:
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS, sock_connect=CONNECT_SECONDS)
        begun, status = monotonic(), "none"
        try:
            async with await self._send(method, path, data=data, kind=kind, params=params, timeout=timeout) as response:
                answer = await response.read()
                status = str(response.status)
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise no_answer(exc) from exc
        finally:
            telemetry.KUBE_REQUESTS.labels(method, status).inc()
            telemetry.KUBE_SECONDS.labels(method).observe(monotonic() - begun)
        if response.status < 300:
            return answer
        if response.status == 404:
            return None
        raise _refused(method, path, response, answer)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
        data: bytes | None = None,
        kind: str = "application/json",
        params: Params | None = None,
    ) -> aiohttp.ClientResponse:
        headers = {"Accept": "application/json", "User-Agent": self.agent}
        if data is not None:
            headers["Content-Type"] = kind
        await self._api.update_params_for_auth(headers, [], ["BearerToken"])
        rest = self._api.rest_client
        more: dict[str, Any] = {}
        if rest.proxy:
            more |= {"proxy": rest.proxy, "proxy_headers": rest.proxy_headers}
        if rest.server_hostname:
            more["server_hostname"] = rest.server_hostname
        response: aiohttp.ClientResponse = await rest.pool_manager.request(
            method,
            self._host + path,
            params=dict(params) if params else None,
            data=data,
            headers=headers,
            timeout=timeout,
            **more,
        )
        return response

    async def _log_in_again(self) -> None:
        """Tokens of cloud providers expire; their kubeconfig makes a new one when it is read again."""
        old, self._api = self._api, ApiClient(await configure(self._settings))
        await old.close()


def refuse_old(version: Version, name: str) -> None:
    """Raises ClusterError for a Kubernetes that lacks what the Jobs of a training ask for."""
    digits = [int("".join(c for c in part if c.isdigit()) or 0) for part in (version.major, version.minor)]
    if tuple(digits) < OLDEST:
        raise ClusterError(
            f"{name} runs Kubernetes {version.git_version or 'of an unknown version'}, but TaaS needs "
            f"{OLDEST[0]}.{OLDEST[1]} or newer (Jobs with a retry limit per index). Upgrade it or name another one."
        )


def no_answer(exc: BaseException) -> ClusterError:
    """The error for a server that cannot be reached or went silent."""
    words = str(exc) or type(exc).__name__
    return ClusterError(f"The cluster does not answer: {words}.")


class _Details(msgspec.Struct, rename="camel"):
    retry_after_seconds: float = 0


class _Status(msgspec.Struct):
    message: str = ""
    reason: str = ""
    details: _Details | None = None


def _refused(method: str, path: str, response: aiohttp.ClientResponse, body: bytes) -> ClusterError:
    try:
        status = msgspec.json.decode(body, type=_Status)
    except msgspec.MsgspecError:
        status = _Status(message=body[:200].decode(errors="replace"))
    after = response.headers.get("Retry-After", "")
    wait = float(after) if after.isdigit() else (status.details.retry_after_seconds if status.details else 0)
    return ClusterError(
        status.message or f"{method} {path} was answered with {response.status}.",
        http_status=response.status,
        reason=status.reason,
        retry_after=wait or None,
    )


def _passing(exc: ClusterError) -> bool:
    return exc.http_status is None or exc.http_status in _PASSING or _not_allowed(exc)


def _not_allowed(exc: ClusterError) -> bool:
    """Said by the authorizer, not by what judges the object: an API server that has just started says so at first.

    It answers before it has read the roles. One that still says so after a few tries means it.
    """
    return exc.http_status == 403 and ' is forbidden: User "' in exc.detail


def _wait(attempt: int, retry_after: float | None) -> float:
    backoff: float = 0.2 * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)
    return min(max(backoff, retry_after or 0), LONGEST_WAIT)
