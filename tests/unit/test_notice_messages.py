"""What notices say, and when they are tried again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.domain.message import letter, payload
from app.domain.notice import CHOOSABLE, Notice, NoticeKind, training_data
from app.domain.retries import MOST_TRIES, wait_after
from app.domain.training import State
from tests.support.decisions import training

ID = UUID("0199aaaa-0000-7000-8000-000000000001")
AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ADDRESS = "https://taas.example.com"


def notice(kind: NoticeKind, **data: object) -> Notice:
    return Notice(ID, kind, ID, ID if kind in STATES else None, {"project": "digits", **data}, AT)


STATES = {kind for kind in NoticeKind if kind.value in {state.value for state in State} or kind is NoticeKind.STARTED}


def test_a_program_gets_ids_and_where_to_ask() -> None:
    said = json.loads(payload(notice(NoticeKind.FAILED, number=3, message="worker-0 said <secret>"), ADDRESS))
    assert said == {
        "type": "training.failed",
        "timestamp": "2026-11-24T03:00:00Z",
        "data": {
            "project": "digits",
            "number": 3,
            "project_id": str(ID),
            "training_id": str(ID),
            "url": f"{ADDRESS}/trainings/{ID}",
        },
    }


def test_times_are_written_one_way() -> None:
    spec = replace(training().spec, scheduled_for=AT - timedelta(minutes=5))
    said = json.loads(payload(notice(NoticeKind.FAILED, **training_data(replace(training(), spec=spec))), ADDRESS))
    assert (said["timestamp"], said["data"]["scheduled_for"]) == ("2026-11-24T03:00:00Z", "2026-11-24T02:55:00Z")


@pytest.mark.parametrize("kind", CHOOSABLE)
def test_every_kind_has_a_type_of_its_own_and_a_letter(kind: NoticeKind) -> None:
    assert sum(other.type == kind.type for other in NoticeKind) == 1
    said = letter(notice(kind, number=3, message="Because of <this>."), ADDRESS)
    assert "digits" in said.subject
    assert "Because of <this>." in said.text
    assert "&lt;this&gt;" in said.html
    assert "<this>" not in said.html
    assert f"{ADDRESS}/" in said.text


def test_a_letter_says_which_training_and_where_to_look() -> None:
    said = letter(notice(NoticeKind.FAILED, number=3), ADDRESS)
    assert said.subject == "digits #3 failed"
    assert "due time" not in said.text
    assert f"{ADDRESS}/trainings/{ID}" in said.text


def test_a_letter_says_what_was_due() -> None:
    said = letter(notice(NoticeKind.LATE, number=3, scheduled_for="2026-11-24T02:55:00Z"), ADDRESS)
    assert said.subject == "digits #3 is late"
    assert "Its due time: Tuesday 24 November 2026, 02:55 UTC." in said.text
    assert "02:55 UTC" in said.html
    odd = letter(notice(NoticeKind.MISSED, scheduled_for="2026-11-24T02:55:09.5Z"), ADDRESS)
    assert "02:55:09 UTC" in odd.text


def test_one_letter_speaks_for_many_due_times() -> None:
    many = {"scheduled_for": "2026-11-24T02:00:00Z", "last_scheduled_for": "2026-11-24T05:00:00Z", "times": 4}
    said = letter(notice(NoticeKind.MISSED, **many), ADDRESS)
    assert said.subject == "4 due times of digits made no training"
    assert "from Tuesday 24 November 2026, 02:00 UTC to Tuesday 24 November 2026, 05:00 UTC." in said.text


def test_tries_are_spread_over_about_a_day() -> None:
    middle = sum((wait_after(failures, 0.5) for failures in range(1, MOST_TRIES)), timedelta(0))
    assert timedelta(hours=20) < middle < timedelta(hours=28)
    assert wait_after(1, 0) < wait_after(1, 1) < wait_after(2, 0)
    assert wait_after(99, 0.5) == wait_after(MOST_TRIES - 1, 0.5)
