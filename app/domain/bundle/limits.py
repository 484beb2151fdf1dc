"""How much an upload may ask of the service."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024
# A start script is read whole (to normalise its line ends), so it has a limit of its own.
RUN_SH_MAX_BYTES = MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """`max_bytes` counts the content of all files, `max_entries` files and folders, `max_path_bytes` UTF-8.

    An archive that grows more than `max_ratio` times when unpacked is a bomb; small ones
    (up to `ratio_free_bytes`) may, since an empty log file compresses a thousandfold.
    """

    max_bytes: int = 256 * MIB
    max_entries: int = 10_000
    max_path_bytes: int = 1024
    max_depth: int = 64
    max_ratio: int = 200
    ratio_free_bytes: int = 16 * MIB

    @property
    def max_archive_bytes(self) -> int:
        """The most that an archive within the limits can take on the wire or as a tar: headers and padding included."""
        return self.max_bytes + self.max_entries * (2048 + self.max_path_bytes) + MIB

    @property
    def max_body_bytes(self) -> int:
        """The most that a request with such an archive, or with as many files one by one, can take."""
        return self.max_archive_bytes + self.max_entries * 2048 + MIB

    def is_bomb(self, unpacked: int, packed: int) -> bool:
        """Whether that many bytes out of so few grow as only a bomb does."""
        return unpacked > self.ratio_free_bytes and unpacked > self.max_ratio * packed
