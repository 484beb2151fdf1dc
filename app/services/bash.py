"""Asking bash whether it can read a script, without running it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile

SECONDS = 10
# The script is a stranger's: reading it may take neither the machine's memory nor its time.
_BOUNDED = 'ulimit -v 1048576 2>/dev/null; ulimit -t 5 2>/dev/null; exec bash --norc --noprofile -n "$0"'


async def syntax_problems(script: bytes) -> str:
    """What `bash -n` prints about the script; empty when it is content, or when there is no bash here to ask."""
    return await asyncio.to_thread(_ask, script)


def _ask(script: bytes) -> str:
    # A real file as standard input: a socket, which some event loops use, cannot be opened by its name.
    with tempfile.TemporaryFile() as stdin:
        stdin.write(script)
        stdin.seek(0)
        try:
            done = subprocess.run(
                ["bash", "--norc", "--noprofile", "-c", _BOUNDED, "/dev/stdin"],
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
                cwd="/",
                timeout=SECONDS,
                check=False,
            )
        except FileNotFoundError:
            return ""
        except subprocess.TimeoutExpired:
            return f"bash needed more than {SECONDS} seconds to read it"
    return done.stderr.decode(errors="replace") if done.returncode else ""
