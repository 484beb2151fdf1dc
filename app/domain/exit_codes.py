"""What an exit code most likely means, in words."""

from __future__ import annotations

_SIGNALS = {
    1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL",
    11: "SIGSEGV", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM", 24: "SIGXCPU", 25: "SIGXFSZ",
}  # fmt: skip
_MEANINGS = {
    1: "a general error: the last lines of its log say which",
    2: "wrong use of a command, or a mistake in a script",
    126: "a command was found but could not be run: is it executable, and made for this architecture?",
    127: "a command was not found in the image",
    128: "the container could not be started, or a wrong exit status was given",
    134: "it aborted itself (SIGABRT), often a failed check in native code",
    135: "a bus error (SIGBUS), often shared memory that is too small: raise shm_size",
    137: "it was killed (SIGKILL)",
    139: "a segmentation fault (SIGSEGV) in native code",
    143: "it was asked to end (SIGTERM)",
    255: "an exit status outside of 0 to 255, or a lost connection",
}


def explain(code: int) -> str:
    """A few words without a full stop; empty where a code says nothing in particular."""
    if code in _MEANINGS:
        return _MEANINGS[code]
    signal = _SIGNALS.get(code - 128)
    return f"ended by the signal {signal}" if signal else ""
