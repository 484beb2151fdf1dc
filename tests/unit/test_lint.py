"""What the linter says about a bundle."""

from __future__ import annotations

import pytest

from app.domain.algorithm import Bundle, FileEntry
from app.domain.finding import Rule
from app.domain.lint import LARGE_FILE_BYTES, lint
from tests.support.archives import GOOD, RUN, make_zip
from tests.support.bundles import bundle_of

MIB = 1024 * 1024


def _rules(files: dict[str, bytes], syntax: str = "") -> list[tuple[Rule, str | None, int | None]]:
    bundle = bundle_of(make_zip(files)).bundle
    return [(f.rule, f.path, f.line) for f in lint(bundle, syntax=syntax, inline_max_bytes=4 * MIB)]


CASES: dict[str, tuple[dict[str, bytes], list[tuple[Rule, str | None, int | None]]]] = {
    "nothing to say": (dict(GOOD), []),
    "CRLF in run.sh": ({"run.sh": RUN.replace(b"\n", b"\r\n")}, [(Rule.CRLF_NORMALISED, "run.sh", None)]),
    "CRLF elsewhere": (
        {"run.sh": RUN, "b.sh": b"a\r\n", "c.py": b"a\r\n", "d.bash": b"\0\r\n"},
        [(Rule.CRLF, "b.sh", None)],
    ),
    "no shebang": ({"run.sh": b"echo\n"}, [(Rule.NO_SHEBANG, "run.sh", 1)]),
    "empty": ({"run.sh": b""}, [(Rule.NO_SHEBANG, "run.sh", 1)]),
    "byte order mark": ({"run.sh": b"\xef\xbb\xbf" + RUN}, [(Rule.BYTE_ORDER_MARK, "run.sh", 1)]),
    "UTF-16": ({"run.sh": RUN.decode().encode("utf-16")}, [(Rule.NOT_TEXT, "run.sh", None)]),
    "capitals": ({"run.sh": RUN, "A/x": b"", "a/x": b""}, [(Rule.CASE, "a/x", None)]),
    "from a Mac": ({"run.sh": RUN, ".DS_Store": b"", "__MACOSX/": b""}, [(Rule.LEFT_OUT, None, None)]),
}


@pytest.mark.parametrize("name", CASES)
def test_findings(name: str) -> None:
    files, expected = CASES[name]
    assert _rules(files) == expected


def test_what_bash_said_is_given_line_by_line() -> None:
    said = "/dev/stdin: line 3: syntax error near unexpected token `;'\n/dev/stdin: line 3: ` if ; then'\n"
    assert _rules(dict(GOOD), said) == [(Rule.SYNTAX, "run.sh", 3)]
    assert _rules(dict(GOOD), "bash: cannot execute binary file") == [(Rule.SYNTAX, "run.sh", None)]


def test_large_data() -> None:
    files = tuple(FileEntry(f"f{n}", LARGE_FILE_BYTES + n, 0, False, False) for n in (-1, 0, 5))
    bundle = Bundle("d", sum(f.size for f in files), 5 * MIB, files, RUN)
    findings = lint(bundle, syntax="", inline_max_bytes=4 * MIB)
    assert [(f.rule, f.path) for f in findings] == [
        (Rule.LARGE_FILE, "f5"),
        (Rule.LARGE_FILE, "f0"),
        (Rule.LARGE_BUNDLE, None),
    ]
    assert "5 MiB" in findings[2].message
    assert "4 MiB" in findings[2].message


def test_many_findings_of_a_kind_are_cut_short() -> None:
    files = tuple(FileEntry(f"f{n}", LARGE_FILE_BYTES, 0, False, False) for n in range(1000))
    bundle = Bundle("d", 0, 0, files, RUN, crlf_scripts=tuple(f"{n}.sh" for n in range(1000)))
    syntax = "".join(f"x: line {n}: no\n" for n in range(1000))
    assert len(lint(bundle, syntax=syntax, inline_max_bytes=MIB)) == 60
