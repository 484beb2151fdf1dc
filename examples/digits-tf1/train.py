"""Train on handwritten digits the way TensorFlow 1 did it, between-graph; see README.md."""

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path

import digits
import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_eager_execution()
tf.logging.set_verbosity(tf.logging.ERROR)


def main() -> None:
    options = parse_arguments()
    role, index = os.environ.get("TAAS_ROLE", "worker"), int(os.environ.get("TAAS_INDEX", "0"))
    cluster = cluster_from_environment()
    server = (
        tf.train.Server(cluster, job_name=role, task_index=index, config=session_config(index)) if cluster else None
    )
    if role == "ps":
        print(f"ps-{index} serves", flush=True)
        server.join()  # never returns: TaaS ends it when all workers have succeeded
    print(f"worker-{index} of {cluster.num_tasks('worker') if cluster else 1}, TensorFlow {tf.__version__}", flush=True)
    weights = train(options, index, cluster, server)
    accuracy = accuracy_of(weights, *digits.load()[1])
    if index == 0:
        export(weights, options.hidden)
    print(f"test accuracy: {accuracy:.3f}", flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=4000, help="steps of all workers together")
    parser.add_argument("--batch", type=int, default=32, help="images per step")
    parser.add_argument("--rate", type=float, default=0.2, help="learning rate of SGD")
    parser.add_argument("--hidden", type=int, default=64, help="width of the hidden layer")
    parser.add_argument("--resume", type=int, metavar="NUMBER", help="go on from that training of this project")
    return parser.parse_args()


def cluster_from_environment() -> tf.train.ClusterSpec | None:
    """The addresses of ps and workers; None for a worker that is alone."""
    ps, workers = (os.environ.get(f"TAAS_{role}_HOSTS", "").split(",") for role in ("PS", "WORKER"))
    if ps == [""]:
        if len(workers) > 1:
            raise SystemExit("Several workers need at least one ps to hold the weights that they share.")
        return None
    return tf.train.ClusterSpec({"ps": ps, "worker": workers})


def session_config(index: int) -> tf.ConfigProto:
    """Few threads, since the tasks share cores; and a worker talks to the ps and itself only.

    Without that filter a worker would wait for all the others when it starts, for ever if one has finished already.
    """
    return tf.ConfigProto(
        device_filters=["/job:ps", f"/job:worker/task:{index}"],
        intra_op_parallelism_threads=1,
        inter_op_parallelism_threads=2,
    )


def train(
    options: argparse.Namespace, index: int, cluster: tf.train.ClusterSpec | None, server: tf.train.Server | None
):
    """Take steps until the workers have made enough of them together; return the weights."""
    (images, labels), _ = digits.load()
    found = checkpoint_to_go_on_from(options.resume) if index == 0 else None
    with tf.device(tf.train.replica_device_setter(cluster=cluster, worker_device=f"/job:worker/task:{index}")):
        graph = build(options)
    saver, folder = tf.train.Saver([*graph["weights"], graph["step"]]), checkpoint_folder()
    session = open_session(server.target if server else "", index, saver, found)
    if index == 0:
        writer = tf.summary.FileWriter(os.environ.get("TAAS_LOG_DIR") or tempfile.mkdtemp(), session.graph)

    rng = np.random.default_rng(100 + index)
    began, mine, step = time.monotonic(), 0, session.run(graph["step"])
    print(f"starting at step {step}", flush=True)
    while step < options.steps:
        chosen = rng.choice(len(images), options.batch)
        feed = {graph["images"]: images[chosen], graph["labels"]: labels[chosen]}
        _, loss, step = session.run([graph["train"], graph["loss"], graph["step"]], feed)
        mine += 1
        if mine % 100:
            continue
        print(f"step {step}  loss {loss:.4f}  {mine} steps done here", flush=True)
        if index == 0:
            writer.add_summary(session.run(graph["summary"], feed), step)
            if folder:
                Path(folder).mkdir(parents=True, exist_ok=True)
                saver.save(session, f"{folder}/model", step, write_meta_graph=False)
    print(f"done at step {step}: {mine} steps here in {time.monotonic() - began:.1f} s", flush=True)
    return session.run(graph["weights"])


def open_session(master: str, index: int, saver: tf.train.Saver, checkpoint: str | None) -> tf.Session:
    """Worker 0 makes the weights, or reads them from a checkpoint; the others wait until they are there."""
    manager = tf.train.SessionManager(ready_op=tf.report_uninitialized_variables(), recovery_wait_secs=1)
    config = session_config(index)
    if index > 0:
        return manager.wait_for_session(master, config=config)
    start = tf.global_variables_initializer()
    return manager.prepare_session(master, start, saver, checkpoint_filename_with_path=checkpoint, config=config)


def build(options: argparse.Namespace) -> dict[str, tf.Tensor]:
    """The graph; the device setter puts the variables on the ps and the rest on this worker."""
    step = tf.train.get_or_create_global_step()
    images = tf.placeholder(tf.float32, [None, digits.PIXELS])
    labels = tf.placeholder(tf.int32, [None])
    initial = tf.initializers.he_normal(seed=1)
    weights = [
        tf.get_variable("w1", [digits.PIXELS, options.hidden], initializer=initial),
        tf.get_variable("b1", [options.hidden], initializer=tf.zeros_initializer()),
        tf.get_variable("w2", [options.hidden, digits.CLASSES], initializer=initial),
        tf.get_variable("b2", [digits.CLASSES], initializer=tf.zeros_initializer()),
    ]
    loss = tf.losses.sparse_softmax_cross_entropy(labels, network(images, weights))
    return {
        "images": images,
        "labels": labels,
        "weights": weights,
        "step": step,
        "loss": loss,
        "summary": tf.summary.scalar("loss", loss),
        "train": tf.train.GradientDescentOptimizer(options.rate).minimize(loss, global_step=step),
    }


def network(images, weights):
    w1, b1, w2, b2 = weights
    return tf.nn.relu(images @ w1 + b1) @ w2 + b2


def checkpoint_folder(number: int | None = None) -> str | None:
    """Where worker 0 keeps checkpoints, or where another training of the project kept its own."""
    base = os.environ.get("TAAS_MODEL_DIR")
    if not base:
        return None
    return str((Path(base) if number is None else Path(base).parent / str(number)) / "checkpoints")


def checkpoint_to_go_on_from(resume: int | None) -> str | None:
    """The newest checkpoint of an earlier try of this training, else of the training named."""
    for folder in (checkpoint_folder(), checkpoint_folder(resume)):
        found = tf.train.latest_checkpoint(folder) if folder else None
        if found:
            print(f"going on from {found}", flush=True)
            return found
    if resume is not None:
        raise SystemExit(f"Training {resume} has left no checkpoint to go on from.")
    return None


def accuracy_of(weights: list[np.ndarray], images: np.ndarray, labels: np.ndarray) -> float:
    w1, b1, w2, b2 = weights
    scores = np.maximum(images @ w1 + b1, 0) @ w2 + b2
    return float(np.mean(scores.argmax(axis=1) == labels))


def export(weights: list[np.ndarray], hidden: int) -> None:
    """Write a SavedModel to TAAS_MODEL_DIR/<training's number>; the checkpoints have served their purpose."""
    base = os.environ.get("TAAS_MODEL_DIR")
    if not base:
        print("TAAS_MODEL_DIR is not set: the model is not exported", flush=True)
        return
    folder = Path(base) / os.environ.get("TAAS_NUMBER", "1")
    partial = folder.with_name(f".{folder.name}.partial")
    for leftover in (partial, folder):
        shutil.rmtree(leftover, ignore_errors=True)
    with tf.Graph().as_default(), tf.Session() as session:
        images = tf.placeholder(tf.float32, [None, digits.PIXELS])
        variables = [tf.Variable(weight) for weight in weights]
        probabilities = tf.nn.softmax(network(images, variables))
        session.run(tf.global_variables_initializer())
        outputs = {"digit": tf.argmax(probabilities, axis=1), "probabilities": probabilities}
        tf.saved_model.simple_save(session, str(partial), inputs={"images": images}, outputs=outputs)
    partial.rename(folder)
    shutil.rmtree(f"{base}/checkpoints", ignore_errors=True)
    print(f"model exported to {folder}", flush=True)


if __name__ == "__main__":
    main()
