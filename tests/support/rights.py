"""The rights of `deploy/rbac.yaml` on the test cluster: TaaS acts with these, tests as the cluster's administrator."""

from __future__ import annotations

import base64
import json
import tempfile
from pathlib import Path
from typing import Any

import yaml

from deploy.local import api, pki
from deploy.local.instance import Instance
from tests.support.collections import collection_of, path_of
from tests.support.waiting import wait_for

FILE = Path(__file__).parents[2] / "deploy/rbac.yaml"
ACCOUNT = "system:serviceaccount:taas:taas"
TOKEN_SECONDS = 24 * 60 * 60
FORBIDDEN = b'"authorization.k8s.io/decision":"forbid"'
Right = tuple[str, str, str]
"""A verb, an API group and a resource, such as `pods/log`; for a path that is no resource: a verb, "" and the path."""
_made: dict[str, Path] = {}  # by the instance's name


def manifests() -> list[dict[str, Any]]:
    """What the file has, in its order."""
    return list(yaml.safe_load_all(FILE.read_text()))


def kubeconfig_of_taas(instance: Instance) -> Path:
    """With the administrator's context, but a token of TaaS's account; what the file says is applied first."""
    if instance.name not in _made:
        _made[instance.name] = _make(instance)
    return _made[instance.name]


def granted() -> set[Right]:
    """Everything that the ClusterRole grants."""
    role = next(one for one in manifests() if one["kind"] == "ClusterRole")
    found: set[Right] = set()
    for rule in role["rules"]:
        for verb in rule["verbs"]:
            found |= {(verb, "", path) for path in rule.get("nonResourceURLs", ())}
            found |= {(verb, group, name) for group in rule.get("apiGroups", ()) for name in rule.get("resources", ())}
    return found


def missing(log: bytes) -> list[str]:
    """What the account had no right to, by a piece of the audit log: other refusals are not the authorizer's.

    Left out is what it has the right to: an API server that has just started has not read the roles yet.
    """
    events = [json.loads(line) for line in log.splitlines() if FORBIDDEN in line]
    ours = [event for event in events if event["user"]["username"] == ACCOUNT]
    return [f"{it['verb']} {it['requestURI']}" for it in ours if _right_in(it) not in granted()]


def _right_in(event: dict[str, Any]) -> Right:
    what = event.get("objectRef")
    if what is None:
        return event["verb"], "", event["requestURI"]
    sub = f"/{what['subresource']}" if "subresource" in what else ""
    return event["verb"], what.get("apiGroup", ""), what["resource"] + sub


def _make(instance: Instance) -> Path:
    for manifest in manifests():
        _apply(instance, manifest)
    wait_for(lambda: _may_list_nodes(instance))  # the authorizer hears of roles by a watch
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
    path = "/api/v1/namespaces/taas/serviceaccounts/taas/token"
    made = api.call(instance, "POST", path, asked | {"spec": {"expirationSeconds": TOKEN_SECONDS}})
    return _written(instance, made["status"]["token"])


def _apply(instance: Instance, manifest: dict[str, Any]) -> None:
    """Another session may do the same at the same time."""
    try:
        api.call(instance, "POST", collection_of(manifest), manifest)
    except api.ApiError as problem:
        if problem.code != 409:
            raise
        api.call(instance, "PATCH", path_of(manifest), manifest)


def _may_list_nodes(instance: Instance) -> bool:
    review = {"spec": {"user": ACCOUNT, "resourceAttributes": {"verb": "list", "resource": "nodes"}}}
    answer = api.call(instance, "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return bool(answer["status"]["allowed"])


def _written(instance: Instance, token: str) -> Path:
    name = f"taas-local-{instance.name}"
    authority = base64.b64encode((pki.directory(instance) / "ca.crt").read_bytes()).decode()
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": instance.server, "certificate-authority-data": authority}}],
        "users": [{"name": "taas", "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "taas"}}],
        "current-context": name,
    }
    file = instance.directory / "taas.kubeconfig"
    with tempfile.NamedTemporaryFile("w", dir=instance.directory, delete=False) as new:  # readable by its owner only
        yaml.safe_dump(content, new)
    return Path(new.name).replace(file)
