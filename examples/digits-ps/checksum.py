"""Pass standard input on, byte for byte, and say at its end how many lines it had and their SHA-256.

run.sh starts it deaf to SIGTERM: what the training says after one belongs to the log.
"""

import hashlib
import sys

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
