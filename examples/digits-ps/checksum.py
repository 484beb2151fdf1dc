"""Pass standard input on, byte for byte, and say at its end how many lines it had and their SHA-256."""

import hashlib
import signal
import sys

for number in (signal.SIGTERM, signal.SIGINT):  # the last words after a signal belong to the log
    signal.signal(number, signal.SIG_IGN)

digest, lines, line = hashlib.sha256(), 0, b""
for line in sys.stdin.buffer:
    digest.update(line)
    lines += 1
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
if line and not line.endswith(b"\n"):
    digest.update(b"\n")
    sys.stdout.buffer.write(b"\n")
sys.stdout.buffer.write(f"log sha256 (of {lines} lines before this one): {digest.hexdigest()}\n".encode())
sys.stdout.buffer.flush()
