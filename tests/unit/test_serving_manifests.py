"""Every object of a serving, against golden files (`--update-goldens` writes them), and what must always hold."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.domain.endpoints.serving import Canary, go_live
from app.k8s.manifests.endpoints import Place
from app.k8s.manifests.endpoints.objects import namespace
from app.k8s.manifests.endpoints.serving import serving
from tests.support.serving import SPEC, endpoint, places

GOLDENS = Path(__file__).parent.parent / "data" / "goldens" / "serving"


def manifests(place: Place) -> list[dict[str, Any]]:
    made = serving(place)
    return [namespace(place), made.walls, *made.volumes, *made.inside]


@pytest.mark.parametrize("name", places())
def test_the_objects_are_as_the_golden_file_says(name: str, request: pytest.FixtureRequest) -> None:
    text = yaml.safe_dump_all(copy.deepcopy(manifests(places()[name])), sort_keys=False, allow_unicode=True, width=120)
    golden = GOLDENS / f"{name}.yaml"
    if request.config.getoption("--update-goldens"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def one(spec: Any, kind: str, name: str) -> dict[str, Any]:
    found = manifests(Place(endpoint(spec), "tests"))
    return next(it for it in found if it["kind"] == kind and it["metadata"]["name"] == name)


def test_another_version_changes_the_replicas_and_leaves_the_balancers_alone() -> None:
    after = go_live(SPEC, 2)
    assert one(after, "Deployment", "balancer")["spec"] == one(SPEC, "Deployment", "balancer")["spec"]
    assert one(after, "Deployment", "model")["spec"] != one(SPEC, "Deployment", "model")["spec"]


def test_a_canary_leaves_the_live_replicas_alone() -> None:
    after = replace(SPEC, canary=Canary(2, 20))
    assert one(after, "Deployment", "model")["spec"] == one(SPEC, "Deployment", "model")["spec"]
    assert one(after, "Deployment", "balancer")["spec"] != one(SPEC, "Deployment", "balancer")["spec"]


def test_another_size_replaces_no_replica() -> None:
    after = replace(SPEC, replicas=7)
    templates = [one(spec, "Deployment", "model")["spec"]["template"] for spec in (SPEC, after)]
    assert templates[0] == templates[1]
