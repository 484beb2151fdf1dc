"""Train a network on handwritten digits with parameter servers; see README.md."""

import argparse
import os
import shutil
import signal
import time
from pathlib import Path

import digits
import numpy as np
import tensorflow as tf
from checkpoint import Checkpoint
from cluster import Alone, ParameterServers, from_environment, serve
from model import Model


def main() -> None:
    options = parse_arguments()
    tasks, role, index = from_environment()
    if role in ("worker", "ps"):
        serve(tasks, role, index)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(2)
    print(f"TensorFlow {tf.__version__}, {role}-{index}, tasks: " + describe(tasks))
    train(ParameterServers(tasks, options.wait) if tasks.get("ps") else Alone(), options)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=40, help="passes over the training images")
    parser.add_argument("--batch", type=int, default=32, help="images per step")
    parser.add_argument("--rate", type=float, default=0.2, help="learning rate of SGD")
    parser.add_argument("--hidden", type=int, default=64, help="width of the hidden layer")
    parser.add_argument("--resume", type=int, metavar="NUMBER", help="go on from that training of this project")
    parser.add_argument("--wait", type=float, default=600, help="seconds to wait for workers and ps to listen")
    return parser.parse_args()


def describe(tasks: dict[str, list[str]]) -> str:
    return ", ".join(f"{len(hosts)} {role}" for role, hosts in tasks.items()) or "this one alone"


def train(runner: Alone | ParameterServers, options: argparse.Namespace) -> None:
    train_set, test_set = digits.load()
    local = Model(options.hidden)  # a copy in this process: to measure, to export, to keep when the ps are gone
    checkpoint = Checkpoint(options.resume)
    done, weights = checkpoint.load()
    if weights is not None:
        local.set_values(weights)
    with runner.scope():
        model = Model(options.hidden)
        model.set_values(local.values())
    state = State(done, local.values())
    signal.signal(signal.SIGTERM, lambda *_: leave(state, checkpoint))

    batches = runner.dataset(lambda: endless_batches(*train_set, options.batch))
    step = make_step(model, options.rate)
    steps = -(-len(train_set[0]) // options.batch)
    writer = summary_writer()
    print(f"{len(train_set[0])} training images, {len(test_set[0])} test images, {steps} steps an epoch")
    for epoch in range(done + 1, options.epochs + 1):
        began = time.monotonic()
        losses = runner.run(step, batches, range((epoch - 1) * steps + 1, epoch * steps + 1))
        loss, seconds = float(np.mean(losses)), time.monotonic() - began
        local.set_values(model.values())
        state.set(epoch, local.values())
        checkpoint.save(epoch, state.weights)
        accuracy = local.accuracy(*test_set)
        with writer.as_default(step=epoch * steps):
            tf.summary.scalar("loss", loss)
            tf.summary.scalar("test_accuracy", accuracy)
            tf.summary.scalar("steps_per_second", steps / seconds)
        writer.flush()
        progress = f"epoch {epoch}/{options.epochs}  loss {loss:.4f}  test accuracy {accuracy:.3f}"
        print(f"{progress}  {steps / seconds:.0f} steps/s")
    writer.close()
    export(local, test_set)
    checkpoint.remove()
    print(f"test accuracy: {local.accuracy(*test_set):.3f}")


class State:
    """What the signal handler saves: the last whole epoch, replaced as one."""

    def __init__(self, epoch: int, weights: list[np.ndarray]):
        self.set(epoch, weights)

    def set(self, epoch: int, weights: list[np.ndarray]) -> None:
        self.epoch, self.weights = epoch, weights


def leave(state: State, checkpoint: Checkpoint) -> None:
    """On SIGTERM: save, say so, and end as a process ended by that signal does."""
    kept = checkpoint.save(state.epoch, state.weights)
    where = f"checkpoint written to {checkpoint.path}" if kept else "no storage, so no checkpoint is kept"
    print(f"stopped after epoch {state.epoch}: {where}", flush=True)
    os._exit(128 + signal.SIGTERM)  # not sys.exit: TensorFlow's threads may wait for tasks that are gone already


def endless_batches(images: np.ndarray, labels: np.ndarray, batch: int) -> tf.data.Dataset:
    """Each worker shuffles for itself and goes round for ever; the chief counts the steps."""
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    whole = tf.data.Dataset.from_tensor_slices((images, labels))
    return whole.shuffle(len(images)).repeat().batch(batch, drop_remainder=True).with_options(options)


def make_step(model: Model, rate: float):
    @tf.function
    def step(batches, number):
        images, labels = next(batches)
        loss = model.train_step(images, labels, rate)
        if number % 100 == 0:
            tf.print("step", number, "done here, loss", loss)  # appears in the log of the worker that ran it
        return loss

    return step


def summary_writer() -> tf.summary.SummaryWriter:
    """TensorBoard's files, where TaaS looks for them."""
    folder = os.environ.get("TAAS_LOG_DIR")
    return tf.summary.create_file_writer(folder) if folder else tf.summary.create_noop_writer()


def export(model: Model, test_set: tuple[np.ndarray, np.ndarray]) -> None:
    """Write a SavedModel as model servers want it (a numbered folder), whole or not at all, and try it."""
    base = os.environ.get("TAAS_MODEL_DIR")
    if not base:
        print("TAAS_MODEL_DIR is not set: the model is not exported")
        return
    folder = Path(base) / os.environ.get("TAAS_NUMBER", "1")
    partial = folder.with_name(f".{folder.name}.partial")
    for leftover in (partial, folder):
        shutil.rmtree(leftover, ignore_errors=True)
    tf.saved_model.save(model, str(partial), signatures={"serving_default": model.serve})
    partial.rename(folder)

    images, labels = test_set
    answer = tf.saved_model.load(str(folder)).signatures["serving_default"](images=tf.constant(images))
    print(f"model exported to {folder}; read back, its test accuracy is {np.mean(answer['digit'] == labels):.3f}")


if __name__ == "__main__":
    main()
