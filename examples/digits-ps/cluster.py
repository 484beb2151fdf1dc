"""Who takes part, from TF_CONFIG, and how the steps of an epoch reach the workers.

Three kinds of task: the chief runs the loop; workers compute; parameter servers (ps) hold the variables.
Workers and ps only serve, and never end by themselves: the training has succeeded when its chief has.
"""

import json
import os
import signal
import socket
import threading
import time

import tensorflow as tf


def from_environment() -> tuple[dict[str, list[str]], str, int]:
    """Return (role → addresses, own role, own index); without TF_CONFIG this process is a chief alone."""
    config = json.loads(os.environ.get("TF_CONFIG") or "{}")
    tasks, task = config.get("cluster", {}), config.get("task", {})
    role, index = task.get("type", "chief"), int(task.get("index", 0))
    if tasks and not tasks.get("chief"):
        raise SystemExit("This example needs a chief: it runs the loop that workers and ps serve.")
    if role not in ("chief", "worker", "ps"):
        raise SystemExit(f"This example has nothing to do for a task of the role {role}: use chief, worker and ps.")
    if bool(tasks.get("worker")) != bool(tasks.get("ps")):
        raise SystemExit("Workers need at least one ps, and a ps needs workers: give the project both or neither.")
    return tasks, role, index


def serve(tasks: dict[str, list[str]], role: str, index: int) -> None:
    """Be a worker or a ps until somebody ends this process."""
    signal.signal(signal.SIGTERM, lambda *_: _end(role, index))
    server = tf.distribute.Server(tasks, job_name=role, task_index=index, protocol="grpc", config=_two_threads())
    print(f"{role}-{index} serves at {tasks[role][index]}", flush=True)
    threading.Thread(target=server.join, daemon=True).start()  # it never returns, nor lets Python see a signal
    while True:
        signal.pause()


def _end(role: str, index: int) -> None:
    print(f"{role}-{index} was told to end", flush=True)
    os._exit(128 + signal.SIGTERM)


class Alone:
    """Steps run in this process: a chief without workers and ps."""

    def scope(self):
        return tf.distribute.get_strategy().scope()

    def dataset(self, make):
        return iter(make())

    def run(self, step, batches, numbers):
        """Run one step for each number; return the losses."""
        return [step(batches, tf.constant(number)).numpy() for number in numbers]


class ParameterServers:
    """Steps run on whichever worker is free, against the variables on the ps, asynchronously."""

    def __init__(self, tasks: dict[str, list[str]], wait: float):
        _wait_for(tasks, deadline=time.monotonic() + wait)
        self._strategy = tf.distribute.ParameterServerStrategy(tf.distribute.cluster_resolver.TFConfigClusterResolver())
        self._coordinator = tf.distribute.coordinator.ClusterCoordinator(self._strategy)

    def scope(self):
        return self._strategy.scope()

    def dataset(self, make):
        return iter(self._coordinator.create_per_worker_dataset(make))

    def run(self, step, batches, numbers):
        """Run one step for each number; return the losses when all are done."""
        losses = [self._coordinator.schedule(step, args=(batches, tf.constant(number))) for number in numbers]
        self._coordinator.join()
        return self._coordinator.fetch(losses)


def _wait_for(tasks: dict[str, list[str]], *, deadline: float) -> None:
    """Wait until every worker and ps listens: they may be pulling their image still, or have no node yet."""
    for role in ("ps", "worker"):
        for index, address in enumerate(tasks[role]):
            started, said = time.monotonic(), False
            while not _listens(address):
                if time.monotonic() > deadline:
                    raise SystemExit(f"{role}-{index} did not listen at {address} in time.")
                if not said and time.monotonic() - started > 2:
                    print(f"waiting for {role}-{index} at {address}", flush=True)
                    said = True
                time.sleep(0.2)


def _listens(address: str) -> bool:
    host, port = address.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), timeout=2):
            return True
    except OSError:
        return False


def _two_threads() -> tf.compat.v1.ConfigProto:
    """Four tasks are meant to share two cores: TensorFlow would start a pool as wide as the machine in each."""
    return tf.compat.v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=2)
