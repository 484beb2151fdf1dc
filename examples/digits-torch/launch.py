"""torchrun, also where it is broken: PyTorch 1.13 under Python 3.11, as Debian 12 has them.

There torchrun reads its own default, `--redirects 0`, as None: Python 3.11 no longer iterates over a flag's zero.
"""

from torch.distributed import run
from torch.distributed.elastic.multiprocessing import Std

if Std.from_str("0") is None:
    Std.from_str = lambda text: Std(int(text))

if __name__ == "__main__":
    run.main()
