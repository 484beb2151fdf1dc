"""What an interrupted training leaves for the next one: the weights after the last whole epoch."""

import os
from pathlib import Path

import numpy as np


class Checkpoint:
    """A file under TAAS_MODEL_DIR or TAAS_LOG_DIR; without a storage, nothing is kept.

    The weights are copied to the chief after each epoch, because a stopped training gets its SIGTERM everywhere
    at once: the ps may be gone before the chief could ask them.
    """

    def __init__(self):
        folder = os.environ.get("TAAS_MODEL_DIR") or os.environ.get("TAAS_LOG_DIR")
        self.path = Path(folder) / "checkpoints" / "digits.npz" if folder else None

    def load(self) -> tuple[int, list[np.ndarray] | None]:
        """Return (epochs done, weights), or (0, None) when there is nothing to go on from."""
        if self.path is None or not self.path.exists():
            return 0, None
        with np.load(self.path) as file:
            return int(file["epoch"]), [file[f"weight_{i}"] for i in range(len(file.files) - 1)]

    def save(self, epoch: int, weights: list[np.ndarray]) -> bool:
        """Replace the file as a whole, so that being killed meanwhile leaves the previous one."""
        if self.path is None:
            return False
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(file, epoch=epoch, **{f"weight_{i}": weight for i, weight in enumerate(weights)})
        partial.replace(self.path)
        return True

    def remove(self) -> None:
        """A finished training leaves none, else the next run of the project would have nothing to do."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
