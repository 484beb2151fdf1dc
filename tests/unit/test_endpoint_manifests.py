"""The objects of endpoints, against golden files (`--update-goldens` writes them), and what must always hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.domain.endpoints.tensorboard import LogSource
from app.domain.training import StorageMount
from app.k8s.manifests.endpoints import Place
from app.k8s.manifests.endpoints.objects import namespace
from app.k8s.manifests.endpoints.tensorboard import tensorboard
from tests.support.endpoints import DISK, MADE, SPEC
from tests.unit.test_manifests import as_yaml

GOLDENS = Path(__file__).parent.parent / "data" / "goldens" / "endpoints"
NFS = StorageMount("export", "nfs", {"server": "nfs.example.com", "path": "/srv/taas"}, "digits-abcde")
SOME = replace(
    SPEC,
    trainings=(UUID(int=1), UUID(int=2)),
    sources=(LogSource(DISK, 3), LogSource(NFS, 17)),
)
LOGIN = {"auths": {"registry.example.com": {"username": "u", "password": "p", "auth": "dTpw"}}}
PLACES = {
    "tensorboard": Place(MADE, "here"),
    "tensorboard-of-some": Place(replace(MADE, spec=SOME), "here", ("10.1.0.0/16",), LOGIN),
}


def everything(place: Place) -> list[dict[str, Any]]:
    made = tensorboard(place)
    return [namespace(place), made.walls, *made.volumes, *made.inside]


@pytest.mark.parametrize("name", PLACES)
def test_the_objects_are_as_the_golden_file_says(name: str, request: pytest.FixtureRequest) -> None:
    text = as_yaml(everything(PLACES[name]))
    golden = GOLDENS / f"{name}.yaml"
    if request.config.getoption("--update-goldens"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PLACES)
def test_only_logs_of_the_chosen_trainings_can_be_read_and_nothing_written(name: str) -> None:
    place = PLACES[name]
    (deployment,) = [one for one in everything(place) if one["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    mounts = [mount for mount in pod["containers"][0]["volumeMounts"] if mount["name"] != "tmp"]
    assert all(mount["readOnly"] for mount in mounts)
    wanted = {
        f"digits-abcde/logs{f'/{source.number}' if source.number else ''}" for source in place.endpoint.spec.sources
    }
    assert {mount["subPath"] for mount in mounts} == wanted
    assert pod["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", PLACES)
def test_every_object_says_whose_it_is(name: str) -> None:
    for one in everything(PLACES[name]):
        labels = one["metadata"]["labels"]
        assert (labels["taas.dev/installation"], labels["taas.dev/endpoint"]) == ("here", str(MADE.id))
        assert "taas.dev/training" not in labels
