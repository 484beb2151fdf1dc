"""Tells an instance's API server where its metrics API is, or that there is none any more."""

import time
from typing import Any

from deploy.local import api, metrics, pki
from deploy.local.instance import Instance


def ensure_metrics(this: Instance, *, seconds: float) -> None:
    """May be repeated. Raises RuntimeError when the API server does not reach the API within `seconds`."""
    for path, body in metrics.objects(this, (pki.directory(this) / "ca.crt").read_bytes()).items():
        _ensure(this, path, body)
    deadline = time.monotonic() + seconds
    while True:
        status = api.call(this, "GET", f"{metrics.APIS}/{metrics.API}").get("status", {})
        said = next((one for one in status.get("conditions", []) if one["type"] == "Available"), {})
        if said.get("status") == "True":
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"The metrics API is not available: {said.get('message', 'nobody has looked yet')}")
        time.sleep(0.2)


def remove_metrics(this: Instance) -> None:
    """An API that nobody serves any more would keep every namespace from being deleted."""
    try:
        api.call(this, "DELETE", f"{metrics.APIS}/{metrics.API}")
    except api.ApiError as problem:
        if problem.code != 404:
            raise


def _ensure(this: Instance, path: str, body: dict[str, Any]) -> None:
    try:
        api.call(this, "POST", path, body)
    except api.ApiError as problem:
        if problem.code != 409:
            raise
        api.call(this, "PATCH", f"{path}/{body['metadata']['name']}", body)
