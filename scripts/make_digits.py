"""Make the examples' digits.npz from the copy of the data that scikit-learn ships.

Run from the repository's root:  uv run --no-project --with scikit-learn python scripts/make_digits.py
The same scikit-learn data gives the same arrays; examples/digits-ps/README.md states their source and licence.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

digits = load_digits()
images, labels = digits.images.astype(np.uint8), digits.target.astype(np.uint8)
for name in ("digits-ps", "digits-tf1", "digits-torch"):
    path = EXAMPLES / name / "digits.npz"
    np.savez_compressed(path, images=images, labels=labels)
    print(f"{path}: {images.shape[0]} images, {path.stat().st_size:,} bytes")
