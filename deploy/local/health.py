"""Whether the components of an instance answer, and a useful story when one does not."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from deploy.local import namespace, process
from deploy.local.components import Component
from deploy.local.instance import Instance

PROBE = Path(__file__).with_name("probe.py")


def failures(holder: int, wanted: Sequence[Component]) -> dict[str, str]:
    """Component to reason, for those whose probe fails."""
    probes = [f"{component.name}={component.probe}" for component in wanted]
    found: dict[str, str] = json.loads(namespace.run(holder, [sys.executable, "-IS", str(PROBE), *probes]))
    return found


def wait_healthy(this: Instance, holder: int, wanted: Sequence[Component], *, seconds: float) -> None:
    """Wait until all answer; `RuntimeError` as soon as one has ended, with the last lines of its log."""
    deadline = time.monotonic() + seconds
    while True:
        for component in wanted:
            if process.recall(this.records / f"{component.name}.json") is None:
                raise RuntimeError(f"{component.name} ended at its start. {last_lines(this, component.name)}")
        failed = failures(holder, wanted)
        if not failed:
            return
        if time.monotonic() > deadline:
            name, reason = next(iter(failed.items()))
            raise RuntimeError(f"{name} is not healthy after {seconds:.0f} s: {reason}. {last_lines(this, name)}")
        time.sleep(0.2)


def last_lines(this: Instance, component: str, count: int = 12) -> str:
    log = this.logs / f"{component}.log"
    if not log.exists():
        return f"It wrote no log ({log})."
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16384))
        lines = file.read().decode(errors="replace").splitlines()[-count:]
    return f"The end of {log}:\n" + "\n".join(lines)
