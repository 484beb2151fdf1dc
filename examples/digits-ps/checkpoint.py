"""What an interrupted training leaves for whoever goes on: the weights after the last whole epoch."""

import os
from pathlib import Path

import numpy as np


class Checkpoint:
    """A file in the training's own TAAS_MODEL_DIR; without one, nothing is kept.

    The weights are copied to the chief after each epoch, because a stopped training gets its SIGTERM everywhere
    at once: the ps may be gone before the chief could ask them.
    """

    def __init__(self, resume: int | None):
        """`resume` is the number of another training of the project; TaaS keeps their folders side by side."""
        base = os.environ.get("TAAS_MODEL_DIR")
        self.path = _inside(Path(base)) if base else None
        self._other = _inside(Path(base).parent / str(resume)) if base and resume is not None else None
        if resume is not None and not (self._other and self._other.exists()):
            raise SystemExit(f"Training {resume} has left no checkpoint to go on from ({self._other or 'no storage'}).")

    def load(self) -> tuple[int, list[np.ndarray] | None]:
        """Return (epochs done, weights), or (0, None) when there is nothing to go on from.

        An earlier try of this same training comes first, then the training named.
        """
        for path in (self.path, self._other):
            if path is not None and path.exists():
                with np.load(path) as file:
                    print(f"going on after epoch {file['epoch']}, from {path}")
                    return int(file["epoch"]), [file[f"weight_{i}"] for i in range(len(file.files) - 1)]
        return 0, None

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
        """A finished training leaves none."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def _inside(folder: Path) -> Path:
    return folder / "checkpoints" / "digits.npz"
