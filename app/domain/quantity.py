"""Kubernetes quantities, exactly: `500m`, `1.5Gi`, `2`, `1e3`."""

from __future__ import annotations

import re
from decimal import ROUND_UP, Decimal

_SUFFIXES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", 1)},
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)},
}
_QUANTITY = re.compile(
    r"(?P<number>[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})"
    r"(?:[eE](?P<exponent>[+-]?[0-9]{1,2})|(?P<suffix>[KMGTPE]i|[numkMGTPE]))?"
)


def parse(text: str) -> Decimal:
    """The value in base units (cores, bytes, devices). Raises ValueError when `text` is no quantity.

    Negative quantities are none: nothing that TaaS asks for can be.
    """
    match = _QUANTITY.fullmatch(text) if text.isascii() else None
    if match is None:
        raise ValueError(f"{text!r} is not a quantity: write it like 500m, 2, 1.5Gi or 800M")
    if match["exponent"] is not None:
        return Decimal(match["number"]).scaleb(int(match["exponent"]))
    return Decimal(match["number"]) * _SUFFIXES[match["suffix"] or ""]


def total(*texts: str) -> Decimal:
    """The sum in base units."""
    return sum((parse(text) for text in texts), Decimal(0))


def in_base(value: Decimal) -> str:
    """As a quantity in base units, or in thousandths where that is needed."""
    return str(int(value)) if value == value.to_integral_value() else f"{int(value * 1000)}m"


def in_bytes(value: Decimal, rounding: str = ROUND_UP) -> str:
    """Bytes for people, rounded to a tenth: `1.5 GiB`. What is asked for is rounded up, what there is down."""
    for suffix in ("Pi", "Ti", "Gi", "Mi", "Ki"):
        unit = _SUFFIXES.get(suffix, Decimal(1))
        if value >= unit:
            number = (value / unit).quantize(Decimal("0.1"), rounding=rounding).normalize()
            return f"{number:f} {suffix}B"
    whole = value.to_integral_value()
    return f"{whole:f} byte{'' if whole == 1 else 's'}"
