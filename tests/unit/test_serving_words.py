"""What a serving may be asked for, what becomes of its versions, what its model takes, and what its balancers say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.endpoints import serving
from app.domain.endpoints.serving import VERSIONS_KEPT, Autoscaling, Canary, ModelVersion, ServingSpec
from app.domain.endpoints.serving_rules import check_path, check_serving
from app.domain.endpoints.signature import read, sample
from app.domain.endpoints.traffic import traffic
from app.domain.project import Resources
from tests.support.serving import DISK, SPEC, described


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": "Digits"}, "/name"),
        ({"name": "a/b"}, "/name"),
        ({"image": "no image!"}, "/image"),
        ({"replicas": 0}, "/replicas"),
        ({"replicas": 65}, "/replicas"),
        ({"resources": Resources(memory="1")}, "/resources/memory"),
        ({"args": ("--port=1",)}, "/args/0"),
        ({"args": ("--fine", "a\nb")}, "/args/1"),
        ({"args": ("x",) * 51}, "/args"),
        ({"autoscaling": Autoscaling(5, 2)}, "/autoscaling/most"),
        ({"autoscaling": Autoscaling(0, 2)}, "/autoscaling/least"),
        ({"autoscaling": Autoscaling(1, 2, 101)}, "/autoscaling/cpu_percent"),
        ({"canary": Canary(2, 100)}, "/percent"),
        ({"canary": Canary(2, 50, 0)}, "/replicas"),
    ],
)
def test_what_cannot_be_is_told_where_it_stands(change: dict[str, object], pointer: str) -> None:
    assert [error.pointer for error in check_serving(replace(SPEC, **change))] == [pointer]


def test_a_usual_serving_is_fine() -> None:
    assert check_serving(SPEC) == []


@pytest.mark.parametrize("path", ["/etc", "a//b", "../other", "a/../b", "a/", "x" * 501, "a\nb"])
def test_a_path_stays_within_its_folder(path: str) -> None:
    assert [error.pointer for error in check_path(path)] == ["/path"]


@pytest.mark.parametrize("path", ["", "data", "models/17/export"])
def test_these_are_paths(path: str) -> None:
    assert check_path(path) == []


def test_live_and_back_again() -> None:
    after = serving.go_live(SPEC, 2)
    assert (after.live, after.previous) == (2, 1)
    back = serving.roll_back(after)
    assert (back.live, back.previous) == (1, 2)


def test_making_live_what_is_live_keeps_the_way_back() -> None:
    after = serving.go_live(serving.go_live(SPEC, 2), 2)
    assert (after.live, after.previous) == (2, 1)


def test_a_canary_is_what_is_taken_back_first() -> None:
    with_canary = serving.start_canary(SPEC, Canary(2, 20))
    assert serving.roll_back(with_canary) == SPEC
    assert serving.go_live(with_canary, 2).canary is None


def test_what_cannot_be_rolled_back_or_shared() -> None:
    with pytest.raises(ValueError, match="only one that was ever live"):
        serving.roll_back(SPEC)
    with pytest.raises(ValueError, match="every request already"):
        serving.start_canary(SPEC, Canary(1, 20))
    with pytest.raises(LookupError):
        serving.go_live(SPEC, 9)


def test_old_versions_are_forgotten_but_not_those_in_use() -> None:
    spec: ServingSpec = serving.go_live(SPEC, 2)
    for _ in range(2 * VERSIONS_KEPT):
        number = spec.next_number
        spec = serving.add(spec, ModelVersion(number, DISK, "data/x", "data/x"))
    numbers = [version.number for version in spec.versions]
    assert numbers[:2] == [1, 2]  # previous and live
    assert len(numbers) == VERSIONS_KEPT
    assert numbers[-1] == 2 * VERSIONS_KEPT + 2


@pytest.mark.parametrize(
    ("inputs", "body"),
    [
        ({"x": ("DT_FLOAT", [-1, 2])}, {"instances": [[0.5, 0.5]]}),
        ({"x": ("DT_INT64", [-1])}, {"instances": [0]}),
        (
            {"a": ("DT_STRING", [-1]), "b": ("DT_FLOAT", [-1, 1])},
            {"instances": [{"a": "text", "b": [0.5]}]},
        ),
        ({"x": ("DT_FLOAT", [3])}, {"inputs": {"x": [0.5, 0.5, 0.5]}}),
        ({"x": ("DT_FLOAT", [-1, -1, 2])}, {"instances": [[[0.5, 0.5]]]}),
        ({"x": ("DT_FLOAT", [-1, 224, 224, 3])}, None),
        ({"x": ("DT_VARIANT", [-1])}, None),
    ],
)
def test_a_sample_is_as_the_model_takes_it(inputs: dict[str, tuple[str, list[int]]], body: object) -> None:
    (signature,) = read(described(**inputs))
    assert sample(signature) == body


@pytest.mark.parametrize("answer", [{}, {"metadata": None}, {"metadata": {"signature_def": {"signature_def": 1}}}])
def test_what_is_no_description_is_refused(answer: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a description"):
        read(answer)


TABLE = """# pxname,svname,stot,status,hrsp_5xx,req_rate,req_tot,ttime,addr,
rest,FRONTEND,9,OPEN,0,7,9,,,
rest-model,replica1,30,UP,1,,30,10,10.0.0.1:8501,
rest-model,replica2,10,UP,0,,10,30,10.0.0.2:8501,
rest-model,replica3,0,MAINT (resolution),0,,0,0,10.0.0.9:8501,
rest-model,BACKEND,40,UP,0,,40,10,,
grpc-canary,replica1,5,UP,0,,5,20,10.0.0.3:8500,
"""


def test_balancers_are_summed() -> None:
    found = traffic([TABLE, TABLE])
    assert found.per_second == {"rest": 14, "grpc": 0}
    assert (found.requests, found.failed) == (90, 2)
    assert found.slots == {"model": 80, "canary": 10}
    assert [(one.address, one.share) for one in found.replicas] == [
        ("10.0.0.1", 0.75),
        ("10.0.0.2", 0.25),
        ("10.0.0.3", 1.0),
    ]
    assert found.latency_ms == pytest.approx((30 * 10 + 10 * 30 + 5 * 20) / 45)


def test_another_page_is_no_table() -> None:
    with pytest.raises(ValueError, match="not a table"):
        traffic(["<html>"])
