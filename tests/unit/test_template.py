from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.domain.template import BadTemplate, check, fill, params_used

DUE = datetime(2026, 11, 24, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("", ""),
        ("{{ number }}", "17"),
        ("{{number}}", "17"),
        ("--day={{ scheduled_for }}", "--day=2026-11-24T03:00:00Z"),
        ("{{ scheduled_for:%Y-%m-%d }}", "2026-11-24"),
        ("d={{ scheduled_for:%Y/%m/%d %H:%M }}", "d=2026/11/24 03:00"),
        ("{{ scheduled_for:%G-W%V-%u, 100%% }}", "2026-W48-2, 100%"),
        ("{{ params.rate }}/{{ params.rate }}", "0.1/0.1"),
        ("{{ params.code }}", "{{ number }}"),
        ("{{ '{{' }} number }}", "{{ number }}"),
        ("{ number } }} $HOME", "{ number } }} $HOME"),
    ],
)
def test_places_are_filled_once_and_nothing_else_changes(text: str, filled: str) -> None:
    params = {"rate": "0.1", "code": "{{ number }}"}
    assert fill(text, number=17, scheduled_for=DUE, params=params) == filled


def test_a_date_is_that_of_the_zone_of_the_schedule() -> None:
    late = datetime(2026, 11, 24, 22, 30, tzinfo=UTC)
    text = "{{ scheduled_for:%Y-%m-%d %H:%M%z }} {{ scheduled_for }}"
    filled = fill(text, number=1, scheduled_for=late, params={}, timezone="Europe/Berlin")
    assert filled == "2026-11-24 23:30+0100 2026-11-24T22:30:00Z"
    assert fill("[{{ scheduled_for:%d }}]", number=1, scheduled_for=None, params={}) == "[]"


def test_without_a_schedule_the_due_time_is_empty() -> None:
    assert fill("[{{ scheduled_for }}]", number=1, scheduled_for=None, params={}) == "[]"


@pytest.mark.parametrize(
    "text",
    [
        "{{ scheduled_for:%s }}",
        "{{ scheduled_for:% }}",
        "{{ scheduled_for: }}",
        "{{ nonsense }}",
        "{{ params. }}",
        "{{ params.a-b }}",
        "{{}}",
        "{{ number",
        "{{ 1 + 1 }}",
    ],
)
def test_what_cannot_be_filled_is_refused(text: str) -> None:
    with pytest.raises(BadTemplate):
        check(text)


def test_a_parameter_without_a_value_is_named() -> None:
    with pytest.raises(BadTemplate, match="The parameter rate has no value"):
        fill("{{ params.rate }}", number=1, scheduled_for=None, params={})


def test_the_parameters_asked_for_are_known() -> None:
    assert params_used(("{{ params.a }}-{{ params.b }}", "{{ number }}", "{{ params.a }}")) == {"a", "b"}
