"""What a TLS connection keeps in memory while nothing comes."""

from __future__ import annotations

from asyncio.sslproto import SSLProtocol

READ_BYTES = 32 * 1024
"""Two records of TLS, of 16 KiB at most by RFC 8446, section 5.1."""


def keep_connections_small() -> None:
    """Take from asyncio's TLS connections, in the whole process, the read buffer of 256 KiB that each has for good.

    A worker follows hundreds of logs that rarely say anything: the buffers alone were 50 MB.
    """
    SSLProtocol.max_size = READ_BYTES
