"""Compute this task's share of pi, and misbehave on request: for demonstrations and for trying TaaS out."""

import argparse
import os
import signal
import sys
import time


def main() -> int:
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: leave())
    index, tasks = int(os.environ.get("TAAS_INDEX", "0")), count_tasks()
    share = pi_share(index, tasks, options.terms)
    print(f"task {index} of {tasks}: my share of pi is {share:.12f}")
    for number in range(options.lines):
        print(f"line {number}")
    if options.allocate:
        kept = bytearray(os.urandom(1 << 20) * options.allocate)
        print(f"holding {len(kept) >> 20} MiB")
    if options.sleep:
        print(f"sleeping {options.sleep:g} s")
        time.sleep(options.sleep)
    if options.fail:
        print(f"failing with exit code {options.fail}, as asked", file=sys.stderr)
        return options.fail
    print("done")
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--terms", type=int, default=1_000_000, help="terms of the series, over all tasks")
    parser.add_argument("--sleep", type=float, default=0, metavar="SECONDS", help="stay a while before the end")
    parser.add_argument("--fail", type=int, default=0, metavar="CODE", help="end with this exit code")
    parser.add_argument("--lines", type=int, default=0, help="print so many numbered lines")
    parser.add_argument("--allocate", type=int, default=0, metavar="MIB", help="use so much memory")
    options, unknown = parser.parse_known_args()
    if unknown:
        print(f"arguments that mean nothing to me: {unknown}")
    return options


def count_tasks() -> int:
    """TaaS gives every task the addresses of all tasks of its role."""
    role = os.environ.get("TAAS_ROLE", "worker")
    return len(os.environ.get(f"TAAS_{role.upper()}_HOSTS", "me").split(","))


def pi_share(index: int, tasks: int, terms: int) -> float:
    """Every tasks-th term of Leibniz's series: the shares of all tasks add up to pi."""
    return sum((4 if k % 2 == 0 else -4) / (2 * k + 1) for k in range(index, terms, tasks))


def leave() -> None:
    print("told to end (SIGTERM): good-bye", flush=True)
    raise SystemExit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
