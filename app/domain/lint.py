"""What is probably a mistake in a bundle. Findings are told and kept with the version; they never refuse it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.domain.algorithm import RUN_SH, Bundle
from app.domain.bundle.refusals import shown, size_text
from app.domain.finding import Finding, Rule

LARGE_FILE_BYTES = 10 * 1024 * 1024
_AT_MOST_EACH = 20
_BASH_LINE = re.compile(r"^[^:]*: line (\d+): (.*)$")


def lint(bundle: Bundle, *, syntax: str, inline_max_bytes: int) -> tuple[Finding, ...]:
    """Everything noticed about a bundle, the start script first.

    `syntax` is what `bash -n` printed about run.sh (empty when it was content, or could not be asked);
    `inline_max_bytes` is the most that reaches pods without a storage.
    """
    return (
        *_start_script(bundle),
        *_syntax(syntax),
        *_line_ends(bundle),
        *_large(bundle, inline_max_bytes),
        *_case(bundle),
        *_left_out(bundle),
    )


def _start_script(bundle: Bundle) -> Iterator[Finding]:
    script = bundle.run_sh
    if bundle.run_sh_normalised:
        text = "run.sh had Windows line ends (CRLF), which bash cannot run; it was stored with Unix ones."
        yield Finding(Rule.CRLF_NORMALISED, RUN_SH, None, text)
    if b"\0" in script:
        text = "run.sh is not a text file, or is in UTF-16, which bash cannot read. Save it as UTF-8."
        yield Finding(Rule.NOT_TEXT, RUN_SH, None, text)
    elif script.startswith(b"\xef\xbb\xbf"):
        text = (
            "run.sh begins with a byte order mark, which bash takes for a part of the first command. Save it without."
        )
        yield Finding(Rule.BYTE_ORDER_MARK, RUN_SH, 1, text)
    elif not script.startswith(b"#!"):
        text = "run.sh does not begin with “#!/usr/bin/env bash”. TaaS runs it with bash all the same; others may not."
        yield Finding(Rule.NO_SHEBANG, RUN_SH, 1, text)


def _syntax(output: str) -> Iterator[Finding]:
    # bash prints the offending line again, under the same number, after the message: one finding a line is enough.
    seen: set[int] = set()
    for row in output.splitlines():
        match = _BASH_LINE.match(row)
        if match and int(match[1]) not in seen and len(seen) < _AT_MOST_EACH:
            seen.add(int(match[1]))
            yield Finding(Rule.SYNTAX, RUN_SH, int(match[1]), f"bash cannot read this line: {match[2][:200]}.")
    if output and not seen:
        yield Finding(Rule.SYNTAX, RUN_SH, None, f"bash cannot read run.sh: {output.strip()[:200]}.")


def _line_ends(bundle: Bundle) -> Iterator[Finding]:
    for path in bundle.crlf_scripts[:_AT_MOST_EACH]:
        if path != RUN_SH:
            text = (
                f"{shown(path)} has Windows line ends (CRLF) and will fail when bash runs it. Save it with Unix ones."
            )
            yield Finding(Rule.CRLF, path, None, text)


def _large(bundle: Bundle, inline_max_bytes: int) -> Iterator[Finding]:
    large = sorted((file for file in bundle.files if file.size >= LARGE_FILE_BYTES), key=lambda file: -file.size)
    for file in large[:_AT_MOST_EACH]:
        text = f"{shown(file.path)} has {size_text(file.size)}. Data is better read from a storage (TAAS_DATA_DIR)."
        yield Finding(Rule.LARGE_FILE, file.path, None, text)
    if bundle.archive_size > inline_max_bytes:
        text = (
            f"The bundle has {size_text(bundle.archive_size)} when packed. Above {size_text(inline_max_bytes)} "
            "a project needs a storage that TaaS can write to bring it to its tasks."
        )
        yield Finding(Rule.LARGE_BUNDLE, None, None, text)


def _case(bundle: Bundle) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    told = 0
    for file in bundle.files:
        other = seen.setdefault(file.path.casefold(), file.path)
        if other != file.path and told < _AT_MOST_EACH:
            told += 1
            text = f"{shown(file.path)} and {shown(other)} differ only in capitals: Windows and macOS keep one of them."
            yield Finding(Rule.CASE, file.path, None, text)


def _left_out(bundle: Bundle) -> Iterator[Finding]:
    if bundle.left_out:
        text = f"Files that macOS adds for itself (__MACOSX, .DS_Store, ._*) were left out: {bundle.left_out} of them."
        yield Finding(Rule.LEFT_OUT, None, None, text)
