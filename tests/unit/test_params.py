"""Declared parameters: what a launch may give, and which declarations make sense."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.domain.param import Param, ParamKind
from app.domain.params import check_declared, check_given, filled, needed
from app.domain.project import Framework, ProjectSpec, Role, RunSpec
from app.domain.schedule import Schedule
from app.errors import FieldError

RUN = RunSpec(Framework.PLAIN, "registry.example.com/team/image:1", {"worker": Role()})
WHOLE, NUMBER, BOOLEAN, CHOICE = ParamKind.INTEGER, ParamKind.NUMBER, ParamKind.BOOLEAN, ParamKind.CHOICE


def spec_of(*params: Param, args: tuple[str, ...] = (), **more: Any) -> ProjectSpec:
    return ProjectSpec("hello", None, replace(RUN, args=args), params=params, **more)


def given(spec: ProjectSpec, **values: str) -> list[FieldError]:
    return check_given(spec, spec.run.args, values)


@pytest.mark.parametrize(
    ("param", "value"),
    [
        (Param("a"), ""),
        (Param("a"), "é\n"),
        (Param("a", WHOLE), "-7"),
        (Param("a", WHOLE, min=1, max=10), "1"),
        (Param("a", WHOLE, min=1, max=10), "10"),
        (Param("a", WHOLE, max=10), "-999999999999999999999999999999"),
        (Param("a", NUMBER, min=0.1), "0.1"),
        (Param("a", NUMBER, min=0.1), "1e9999"),
        (Param("a", NUMBER, max=0.3), "+3e-1"),
        (Param("a", BOOLEAN), "false"),
        (Param("a", CHOICE, choices=("adam", "sgd")), "sgd"),
    ],
)
def test_what_fits(param: Param, value: str) -> None:
    assert given(spec_of(param), a=value) == []


@pytest.mark.parametrize(
    ("param", "value", "sentence"),
    [
        (Param("a", WHOLE, min=1, max=10), "0", "a must be a whole number from 1 to 10; '0' is not."),
        (Param("a", WHOLE, min=1, max=10), "11", "a must be a whole number from 1 to 10; '11' is not."),
        (Param("a", WHOLE, min=1), "1.5", "a must be a whole number of at least 1; '1.5' is not."),
        (Param("a", WHOLE, min=1, max=100_000), "0", "a must be a whole number from 1 to 100,000; '0' is not."),
        (Param("a", WHOLE), "", "a must be a whole number; '' is not."),
        (Param("a", NUMBER, max=0.1), "0.10000000000000001", "a must be a number of at most 0.1; "),
        (Param("a", NUMBER), "nan", "a must be a number; 'nan' is not."),
        (Param("a", NUMBER), "1" * 5000, f"a must be a number; '{'1' * 40}…' is not."),
        (Param("a", BOOLEAN), "yes", "a must be true or false; 'yes' is not."),
        (Param("a", CHOICE, choices=("adam", "sgd")), "Adam", "a must be one of adam, sgd; 'Adam' is not."),
        (Param("a", required=True), "", "a must not be empty."),
        (Param("a"), "x" * 5000, "a has 5,000 characters; at most 4,096 are possible."),
    ],
)
def test_what_does_not_fit_is_told_with_the_range(param: Param, value: str, sentence: str) -> None:
    (error,) = given(spec_of(param), a=value)
    assert error.pointer == "/params/a"
    assert error.detail.startswith(sentence)


def test_what_has_to_be_there() -> None:
    spec = spec_of(Param("lr", NUMBER, required=True, max=1), Param("n", WHOLE, "3"), Param("note"))
    assert given(spec) == [FieldError("/params/lr", "lr has to be given: a number of at most 1.")]
    assert given(spec, lr="0.5") == []
    assert filled(spec.params, {"lr": "0.5", "other": "x"}) == {"n": "3", "lr": "0.5", "other": "x"}


def test_one_sentence_for_what_the_arguments_ask_for_too() -> None:
    spec = spec_of(Param("lr", required=True), args=("{{ params.lr }}{{ params.more }}",))
    assert [error.pointer for error in given(spec)] == ["/params/lr", "/params/more"]
    assert given(replace(spec, params=(Param("lr", default="1"), Param("more", default="2")))) == []


def test_others_may_be_given_unless_only_the_declared_ones_may() -> None:
    spec = spec_of(Param("a"), Param("b"))
    assert given(spec, other="x") == []
    strict = replace(spec, only_declared_params=True)
    wanted = "The project does not declare other. Only a, b can be given."
    assert given(strict, other="x") == [FieldError("/params/other", wanted)]
    (error,) = given(spec_of(only_declared_params=True), other="x")
    assert error.detail.endswith("No parameters can be given.")


def test_what_every_launch_has_to_give() -> None:
    spec = spec_of(Param("b", required=True), Param("a", default="1"), args=("{{ params.a }}{{ params.c }}",))
    assert needed(spec) == ["b", "c"]


@pytest.mark.parametrize(
    ("params", "pointer", "words"),
    [
        ((Param("2nd"),), "/params/2nd", "no digit first"),
        ((Param("a"), Param("a")), "/params/a", "declared twice"),
        ((Param("a", help="x" * 301),), "/params/a/help", "at most 300"),
        ((Param("a", min=1),), "/params/a/min", "Only whole numbers and numbers have limits"),
        ((Param("a", WHOLE, max=1.5),), "/params/a/max", "1.5 is not"),
        ((Param("a", NUMBER, min=2, max=1),), "/params/a/max", "below the least value 2"),
        ((Param("a", NUMBER, "5", max=1),), "/params/a/default", "a number of at most 1; '5' is not"),
        ((Param("a", BOOLEAN, "maybe"),), "/params/a/default", "true or false"),
        ((Param("a", CHOICE),), "/params/a/choices", "Give 1 to 50 values"),
        ((Param("a", CHOICE, choices=("x", "x")),), "/params/a/choices", "once"),
        ((Param("a", CHOICE, choices=("",)),), "/params/a/choices", "1 to 200 characters"),
        ((Param("a", choices=("x",)),), "/params/a/choices", "Only a choice has choices"),
        ((Param("a", default="x", required=True),), "/params/a/required", "leave out one of the two"),
        (tuple(Param(f"p{n}") for n in range(51)), "/params", "at most 50"),
    ],
)
def test_declarations_that_make_no_sense(params: tuple[Param, ...], pointer: str, words: str) -> None:
    (error,) = check_declared(spec_of(*params))
    assert error.pointer == pointer
    assert words in error.detail


def test_a_schedule_has_nobody_to_ask() -> None:
    timed = spec_of(Param("a", required=True), Param("b", default="1"), schedule=Schedule(cron="@daily"))
    (error,) = check_declared(timed)
    assert error.pointer == "/params/a/required"


def test_arguments_ask_only_for_declared_ones_where_no_others_can_be_given() -> None:
    spec = spec_of(Param("a"), args=("x", "{{ params.a }}{{ params.b }}"), only_declared_params=True)
    assert [error.pointer for error in check_declared(spec)] == ["/args/1"]
    assert check_declared(replace(spec, only_declared_params=False)) == []
