"""Names made from what people write."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import names

ID = UUID("01999999-0000-7000-8000-0123456789ab")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("digits", "digits"),
        ("a-1", "a-1"),
        ("Digits", r"digits-[0-9a-f]{6}"),
        ("my_project.v2", r"my-project-v2-[0-9a-f]{6}"),
        ("数字", r"x-[0-9a-f]{6}"),
        ("--", r"x-[0-9a-f]{6}"),
        ("x" * 50, r"x{33}-[0-9a-f]{6}"),
    ],
)
def test_slugs(text: str, expected: str) -> None:
    assert re.fullmatch(expected, names.slug(text))


@given(st.text(), st.integers(min_value=10, max_value=63))
def test_every_slug_is_a_dns_label_within_its_limit(text: str, limit: int) -> None:
    made = names.slug(text, limit)
    assert len(made) <= limit
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", made)
    assert names.slug(made, limit) == made


@given(st.text(min_size=1), st.integers(min_value=1, max_value=10**9), st.uuids())
def test_a_namespace_name_fits_and_says_what_it_is(project: str, number: int, training_id: UUID) -> None:
    made = names.namespace(project, number, training_id)
    assert len(made) <= 63
    assert re.fullmatch(rf"taas-[a-z0-9-]*[a-z0-9]-{number}-[a-z2-9]{{5}}", made)


def test_namespaces_of_equal_numbers_differ_by_the_id() -> None:
    assert names.namespace("digits", 17, ID) != names.namespace("digits", 17, UUID(int=ID.int + 1))
    assert names.project_folder("digits", ID) != names.project_folder("digits", UUID(int=ID.int + 1))


@pytest.mark.parametrize("name", ["PATH", "a", "_x", "HTTP_PROXY", "A1"])
def test_variables_a_person_may_set(name: str) -> None:
    assert names.is_env_name(name)
    assert not names.is_reserved_env_name(name)


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A.B", "A B", "É", "A\n", "A" * 256])
def test_text_that_names_no_variable(name: str) -> None:
    assert not names.is_env_name(name)


@pytest.mark.parametrize("name", ["TF_CONFIG", "TAAS_ROLE", "PET_NNODES", "RANK", "BASH_ENV", "JOB_COMPLETION_INDEX"])
def test_variables_that_are_not_a_persons_to_set(name: str) -> None:
    assert names.is_reserved_env_name(name)


@pytest.mark.parametrize(
    ("reference", "host"),
    [
        ("busybox", "docker.io"),
        ("tensorflow/tensorflow:2.21.0", "docker.io"),
        ("registry.example.com:5000/team/tf:2.21", "registry.example.com:5000"),
        ("localhost/a/b", "localhost"),
        ("ghcr.io/a/b@sha256:" + "0" * 64, "ghcr.io"),
        ("a__b/c-d.e:v1", "docker.io"),
        ("[::1]:5000/x", "[::1]:5000"),
    ],
)
def test_image_references(reference: str, host: str) -> None:
    assert names.is_image(reference)
    assert names.registry_host(reference) == host


@pytest.mark.parametrize(
    "reference", ["", " ", "A", "a b", "a:", "a:b:c", "a@sha256:12", "http://a/b", "a/", "a:" + "x" * 129, "a\n", "a;b"]
)
def test_what_is_no_image_reference(reference: str) -> None:
    assert not names.is_image(reference)
