"""A training's link to Grafana."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.domain.grafana import dashboard
from app.domain.project import Framework, RunSpec
from app.domain.training import Training, TrainingSpec, Trigger

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SPEC = TrainingSpec("digits", 1, "", RunSpec(Framework.PLAIN, "image", {}))
TRAINING = Training(
    UUID(int=1), UUID(int=2), "a b", 7, SPEC, Trigger.PERSON, NOW, "ada", 1, namespace="taas-a-b-7-abcde"
)
TEMPLATE = "https://grafana.example.com/d/t?var-namespace={namespace}&from={from}&to={to}&n={number}&p={project}&x={x}"


def test_namespace_and_time_are_filled_in() -> None:
    begun = int((NOW - timedelta(minutes=2)).timestamp() * 1000)
    link = f"https://grafana.example.com/d/t?var-namespace=taas-a-b-7-abcde&from={begun}&to=now&n=7&p=a%20b&x={{x}}"
    assert dashboard(TEMPLATE, TRAINING) == link
    ended = replace(TRAINING, starting_at=NOW, finished_at=NOW + timedelta(hours=1))
    to = int((NOW + timedelta(hours=1, minutes=2)).timestamp() * 1000)
    assert f"&to={to}&" in str(dashboard(TEMPLATE, ended))


def test_without_a_template_or_a_namespace_there_is_none() -> None:
    assert dashboard(None, TRAINING) is None
    assert dashboard(TEMPLATE, replace(TRAINING, namespace=None)) is None
