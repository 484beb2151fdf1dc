"""Settings that are not valid are told as the API tells of fields: which variable, and what it should be."""

from __future__ import annotations

import pytest

from app.cli.commands import _settings
from app.settings import Settings


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TAAS_PORT", "99999", "TAAS_PORT must be at most 65,535, not '99999'."),
        ("TAAS_KEEP_LOGS", "90", "TAAS_KEEP_LOGS must be an ISO 8601 duration such as PT30M, not '90'."),
        ("TAAS_SMTP_PORT", "many", "TAAS_SMTP_PORT must be a whole number, not 'many'."),
        ("TAAS_LOG_LEVEL", "LOUD", "TAAS_LOG_LEVEL must be one of 'debug', 'info', 'warning' or 'error', not 'LOUD'."),
        ("TAAS_LOG_FORMAT", "xml", "TAAS_LOG_FORMAT must be one of 'auto', 'json' or 'pretty', not 'xml'."),
        ("TAAS_SMTP_TLS", "", "TAAS_SMTP_TLS must be one of 'starttls', 'tls' or 'none', not ''."),
        (
            "TAAS_INSTALLATION",
            "My_Lab",
            "TAAS_INSTALLATION must be 1 to 32 lower-case letters, digits and hyphens, "
            "and begin and end with a letter or digit, not 'My_Lab'.",
        ),
        (
            "TAAS_INSTALLATION",
            "a" * 33,
            "TAAS_INSTALLATION must be 1 to 32 lower-case letters, digits and hyphens, "
            f"and begin and end with a letter or digit, not '{'a' * 33}'.",
        ),
        (
            "TAAS_APPS_HOST",
            "http://apps.example.com",
            "TAAS_APPS_HOST must be a host name in lower case, such as apps.example.com, "
            "without scheme and port, not 'http://apps.example.com'.",
        ),
        (
            "TAAS_SERVING_GATEWAY",
            "public",
            "TAAS_SERVING_GATEWAY must be `namespace/name` of a Gateway in lower case, such as infra/public, "
            "not 'public'.",
        ),
        (
            "TAAS_PROMETHEUS_URL",
            "prometheus:9090",
            "TAAS_PROMETHEUS_URL must be an http:// or https:// URL without ? and #, "
            "such as http://prometheus:9090, not 'prometheus:9090'.",
        ),
        (
            "TAAS_GRAFANA_URL",
            "grafana",
            "TAAS_GRAFANA_URL must be an http:// or https:// URL without spaces, "
            "such as https://grafana.example.com/d/taas, not 'grafana'.",
        ),
    ],
)
def test_what_is_wrong_with_a_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit):
        _settings()
    assert f"These settings are not valid:\n  {said}" in capsys.readouterr().err


def test_what_is_right_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    right = {
        "TAAS_LOG_LEVEL": "debug",
        "TAAS_INSTALLATION": "lab-1",
        "TAAS_APPS_HOST": "apps.example.com",
        "TAAS_SERVING_GATEWAY": "infra/public",
        "TAAS_PROMETHEUS_URL": "http://prometheus:9090/base",
        "TAAS_GRAFANA_URL": "https://grafana.example.com/d/taas?var-namespace={namespace}&from={from}#a",
    }
    for variable, value in right.items():
        monkeypatch.setenv(variable, value)
    settings = _settings()
    assert {name: getattr(settings, name.removeprefix("TAAS_").lower()) for name in right} == right


def test_no_setting_is_explained_by_a_regular_expression() -> None:
    assert [name for name, field in Settings.model_fields.items() if "pattern=" in repr(field)] == []
