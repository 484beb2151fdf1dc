"""Which files differ between two versions, and which of their lines."""

from __future__ import annotations

import pytest

from app.domain.algorithm import FileEntry
from app.domain.comparison import LINES_MAX, TEXT_MAX, changes, to_look_into, unified


def entry(path: str = "a.py", size: int = 10, *, executable: bool = False, text: bool = True) -> FileEntry:
    return FileEntry(path, size, 0, executable, text)


@pytest.mark.parametrize(
    ("before", "after", "digests", "status"),
    [
        (None, entry(), ("", ""), "added"),
        (entry(), None, ("", ""), "removed"),
        (entry(size=1), entry(size=2), ("", ""), "changed"),
        (entry(), entry(executable=True), ("x", "x"), "changed"),
        (entry(), entry(), ("x", "y"), "changed"),
        (entry(), entry(), ("x", "x"), None),
        (entry(), entry(), ("", ""), "unknown"),
    ],
)
def test_files(before: FileEntry | None, after: FileEntry | None, digests: tuple[str, str], status: str | None) -> None:
    old, new = ({"a.py": digest} if digest else {} for digest in digests)
    found = changes([before] if before else [], [after] if after else [], old, new)
    assert [one.status.value for one in found] == ([status] if status else [])


def test_only_what_is_equally_large_has_to_be_looked_into() -> None:
    before = [entry("same", 5), entry("larger", 5), entry("gone", 5)]
    assert to_look_into(before, [entry("same", 5), entry("larger", 6), entry("new", 5)]) == {"same"}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (entry(text=False), "It is not text."),
        (entry(size=TEXT_MAX + 1), "It has more than 200,000 bytes."),
        (entry(size=TEXT_MAX), ""),
    ],
)
def test_lines_of_large_and_binary_files_are_not_compared(changed: FileEntry, why: str) -> None:
    assert changes([entry(size=1)], [changed], {}, {})[0].why_no_lines == why


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a\nb\n", "a\nc\n", "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n+c"),
        ("", "a\n", "--- a/f\n+++ b/f\n@@ -0,0 +1 @@\n+a"),
        ("a\r\n", "a\n", "\\ They differ in line ends only."),
        ("a\n" * (LINES_MAX + 1), "", None),
    ],
)
def test_lines(before: str, after: str, expected: str | None) -> None:
    assert unified("f", before, after) == expected
