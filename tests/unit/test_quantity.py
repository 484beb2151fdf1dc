from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("2", "2"),
        ("500m", "0.5"),
        ("1Gi", "1073741824"),
        ("1.5Gi", "1610612736"),
        ("800M", "800000000"),
        ("1k", "1000"),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("1E", "1e18"),
        ("1Ei", str(1024**6)),
        (".5", "0.5"),
        ("1.", "1"),
        ("100n", "1e-7"),
        ("5u", "0.000005"),
    ],
)
def test_quantities_are_read_exactly(text: str, value: str) -> None:
    assert quantity.parse(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    ["", " ", "1 Gi", "-1", "+1", "1GB", "1Ki2", "Gi", "1e", "1e100", "０", "1,5", "NaN", "inf", "1K", "1_0", "1\n"],
)
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        quantity.parse(text)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert quantity.parse(text) >= 0


def test_sums_are_exact() -> None:
    assert quantity.total("100m", "200m", "1") == Decimal("1.3")


@pytest.mark.parametrize(
    ("value", "text"),
    [("1Gi", "1 GiB"), ("1.5Gi", "1.5 GiB"), ("1", "1 byte"), ("1000", "1000 bytes"), ("1M", "976.6 KiB")],
)
def test_bytes_for_people(value: str, text: str) -> None:
    assert quantity.in_bytes(quantity.parse(value)) == text
