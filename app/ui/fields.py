"""From what a form sends to domain values, field by field; what cannot be read becomes a sentence beside its field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from starlette.datastructures import FormData, UploadFile

from app.errors import FieldError, InvalidInput
from app.ui.filters import duration

_UNITS = {
    86400: ("d", "day", "days"),
    3600: ("h", "hr", "hour", "hours"),
    60: ("m", "min", "mins", "minute", "minutes"),
    1: ("s", "sec", "secs", "second", "seconds"),
}
_SECONDS = {word: seconds for seconds, words in _UNITS.items() for word in words}
_PART = re.compile(rf"(\d{{1,9}})\s*({'|'.join(sorted(_SECONDS, key=len, reverse=True))})(?![a-z])\s*", re.I | re.A)
_ISO = re.compile(r"P(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9})S)?)?", re.I | re.A)


class Sent:
    """A posted form, and the errors found while reading it."""

    def __init__(self, data: FormData) -> None:
        self.errors: list[FieldError] = []
        self._data = data

    def text(self, name: str) -> str:
        """One field, without space around it and with Unix line ends; empty when it is missing."""
        return self.raw(name).strip()

    def raw(self, name: str) -> str:
        values = self.all(name)
        return values[0] if values else ""

    def all(self, name: str) -> list[str]:
        """Every field of that name, in the order of the form."""
        return [_clean(value) for value in self._data.getlist(name) if not isinstance(value, UploadFile)]

    def integer(self, name: str, pointer: str, default: int | None = None) -> int | None:
        text = self.text(name).replace(",", "").replace(" ", "")
        if not text:
            return default
        if re.fullmatch(r"-?[0-9]{1,9}", text, re.A):
            return int(text)
        self.wrong(pointer, f"{text!r} is not a whole number; write it in digits, such as 2.")
        return default

    def span(self, name: str, pointer: str, default: timedelta | None = None) -> timedelta | None:
        text = self.text(name)
        if not text:
            return default
        found = span_of(text)
        if found is None:
            self.wrong(pointer, f"{text!r} is not a duration; write it like 2 h, 30 min, 1 h 30 min or PT90M.")
            return default
        return found

    def pairs(self, name: str, pointer: str) -> dict[str, str]:
        """Lines of `key=value`."""
        found = {}
        for line in self.text(name).splitlines():
            key, equals, value = (part.strip() for part in line.partition("="))
            if key and equals:
                found[key] = value
            elif line.strip():
                self.wrong(pointer, f"{line.strip()!r} is not of the form key=value.")
        return found

    def table(self, keys: str, values: str, pointer: str) -> dict[str, str]:
        """Rows of two fields; rows without a key and a value are read over."""
        found: dict[str, str] = {}
        for key, value in zip(self.all(keys), self.all(values), strict=False):
            key = key.strip()
            if key in found:
                self.wrong(f"{pointer}/{key}", f"{key} is there twice; keep one of the two.")
            elif key:
                found[key] = value
            elif value:
                self.wrong(pointer, "There is a value without a name; give it one, or remove the row.")
        return found

    def wrong(self, pointer: str, detail: str) -> None:
        self.errors.append(FieldError(pointer, detail))

    def is_wrong(self, pointer: str) -> bool:
        """Whether that field could not be read."""
        return any(error.pointer == pointer for error in self.errors)

    def check(self) -> None:
        """Raises `InvalidInput` when anything could not be read."""
        if self.errors:
            raise InvalidInput.of(self.errors)


def span_of(text: str) -> timedelta | None:
    """`1 h 30 min`, `90s`, `PT90M`; None for anything else. At most a hundred years, so that sums stay dates."""
    text = text.strip()
    if text == "0":
        return timedelta(0)
    iso = _ISO.fullmatch(text)
    if iso and any(iso.groups()):
        days, hours, minutes, seconds = (int(part or 0) for part in iso.groups())
        total = days * 86400 + hours * 3600 + minutes * 60 + seconds
    elif text and not _PART.sub("", text):
        total = sum(int(match[1]) * _SECONDS[match[2].lower()] for match in _PART.finditer(text))
    else:
        return None
    return timedelta(seconds=total) if total <= 100 * 366 * 86400 else None


def span_text(span: timedelta | None) -> str:
    """What a form shows for a duration, so that reading it again gives the same."""
    if span is None:
        return ""
    left, parts = int(span.total_seconds()), []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or duration(timedelta(0))


def lines_of(pairs: Mapping[str, Any]) -> str:
    return "\n".join(f"{key}={value}" for key, value in pairs.items())


def _clean(value: str) -> str:
    """Browsers send CRLF for line ends; no column holds a NUL or half a character."""
    return value.replace("\r\n", "\n").replace("\0", "").encode(errors="replace").decode()
