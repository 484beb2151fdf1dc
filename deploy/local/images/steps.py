"""What several layers need."""

import shutil
import subprocess
from pathlib import Path


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).splitlines()[-15:]
        raise RuntimeError(f"{' '.join(command[:4])} … failed:\n" + "\n".join(said))


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
