"""What docs/notices.md tells receivers to do accepts what TaaS sends, and nothing else."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.auth.credentials import new_webhook_secret
from app.domain.signatures import signature_header

GUIDE = Path(__file__).parents[2] / "docs" / "notices.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.S)
BODY = '{"type":"training.failed","data":{"project":"größer"}}'.encode()


def headers(secrets: list[str], body: bytes = BODY, *, at: float = 0) -> dict[str, str]:
    sent = int(time.time() + at)
    signature = signature_header(secrets, "evt_1", sent, body)
    return {"Webhook-Id": "evt_1", "Webhook-Timestamp": str(sent), "Webhook-Signature": signature}


@pytest.fixture(params=range(2))
def receive(request: pytest.FixtureRequest) -> Callable[[str, dict[str, str], bytes], Any]:
    scope: dict[str, Any] = {}
    exec(SNIPPETS[request.param], scope)
    found: Callable[[str, dict[str, str], bytes], Any] = scope["receive"]
    return found


def test_there_are_two() -> None:
    assert len(SNIPPETS) == 2


def test_what_is_sent_is_taken(receive: Callable[..., Any]) -> None:
    old, new = new_webhook_secret(), new_webhook_secret()
    for secret in (old, new):
        assert receive(secret, headers([new, old]), BODY)["data"]["project"] == "größer"


def test_what_is_altered_late_or_anothers_is_refused(receive: Callable[..., Any]) -> None:
    secret = new_webhook_secret()
    for given, body in [
        (headers([secret]), BODY + b" "),
        (headers([new_webhook_secret()]), BODY),
        (headers([secret], at=-400), BODY),
        (headers([secret], at=400), BODY),
        (headers([secret]) | {"Webhook-Id": "evt_2"}, BODY),
    ]:
        with pytest.raises(Exception, match=r"(?i)signature|old|new|future"):
            receive(secret, given, body)
