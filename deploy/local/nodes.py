"""Fake nodes on request: kwok plays kubelet for them and for the pods that land there."""

import time

from deploy.local import api, cluster, instance, kwok
from deploy.local.instance import Instance


def ensure_fake_nodes(
    name: str,
    count: int,
    *,
    prefix: str = "fake",
    labels: dict[str, str] | None = None,
    taints: list[dict[str, str]] | None = None,
    resources: dict[str, str] | None = None,
) -> list[str]:
    """Have exactly `count` nodes `<prefix>-0…` with these properties, ready; returns their names."""
    this = _with_kwok(name)
    names = [f"{prefix}-{index}" for index in range(count)]
    labels = (labels or {}) | {"taas-local/set": prefix}
    selector = f"/api/v1/nodes?labelSelector=taas-local%2Fset%3D{prefix}"
    wanted = {
        node_name: kwok.node(node_name, labels=labels, taints=taints or [], resources=resources or {})
        for node_name in names
    }
    for node in api.call(this, "GET", selector)["items"]:
        if _same(node, wanted.get(node["metadata"]["name"])):
            del wanted[node["metadata"]["name"]]
        else:
            api.call(this, "DELETE", f"/api/v1/nodes/{node['metadata']['name']}")
    for made in wanted.values():
        api.call(this, "POST", "/api/v1/nodes", made)
    _wait_ready(this, selector, count)
    return names


def _with_kwok(name: str) -> Instance:
    this = instance.load(name)
    if this is None:
        raise RuntimeError(f"The local cluster {name!r} is down: run `up` first.")
    if not this.options.kwok:
        with instance.locked(name):
            this.options.kwok = True
            this.save()
    cluster.start(name, "kwok")
    return this


def _wait_ready(this: Instance, selector: str, count: int, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        ready = sum(_is_ready(node) for node in api.call(this, "GET", selector)["items"])
        if ready == count:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"Only {ready} of {count} fake nodes became ready (log: {this.logs}/kwok.log)")
        time.sleep(0.2)


def _same(node: dict, wanted: dict | None) -> bool:
    """Whether the node was made of the same properties."""
    mark = kwok.MADE_OF
    return wanted is not None and node["metadata"]["annotations"].get(mark) == wanted["metadata"]["annotations"][mark]


def _is_ready(node: dict) -> bool:
    conditions = node["status"].get("conditions", [])
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)
