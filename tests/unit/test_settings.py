"""Settings that are not valid are told as the API tells of fields: which variable, and what it should be."""

from __future__ import annotations

import pytest

from app.cli.commands import _settings


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TAAS_PORT", "99999", "TAAS_PORT must be at most 65,535, not '99999'."),
        ("TAAS_KEEP_LOGS", "90", "TAAS_KEEP_LOGS must be an ISO 8601 duration such as PT30M, not '90'."),
        ("TAAS_SMTP_PORT", "many", "TAAS_SMTP_PORT must be a whole number, not 'many'."),
    ],
)
def test_what_is_wrong_with_a_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit):
        _settings()
    assert f"These settings are not valid:\n  {said}" in capsys.readouterr().err
