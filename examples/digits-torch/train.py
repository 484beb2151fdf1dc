"""Train on handwritten digits with DistributedDataParallel over gloo; see README.md."""

import argparse
import os
import time
from pathlib import Path

import digits
import numpy as np
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel


def main() -> None:
    options = parse_arguments()
    torch.set_num_threads(1)
    torch.manual_seed(1)  # the same first weights everywhere
    distributed.init_process_group("gloo")
    rank, world = distributed.get_rank(), distributed.get_world_size()
    print(f"rank {rank} of {world}, PyTorch {torch.__version__}", flush=True)
    model = train(options, rank, world)
    if rank == 0:
        export(model)
    accuracy = accuracy_of(model, *digits.load()[1])
    distributed.barrier()
    distributed.destroy_process_group()
    print(f"test accuracy: {accuracy:.3f}", flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=40, help="passes over the training images")
    parser.add_argument("--batch", type=int, default=32, help="images per step, over all processes")
    parser.add_argument("--rate", type=float, default=0.2, help="learning rate of SGD")
    parser.add_argument("--hidden", type=int, default=64, help="width of the hidden layer")
    parser.add_argument("--resume", type=int, metavar="NUMBER", help="go on from that training of this project")
    return parser.parse_args()


def train(options: argparse.Namespace, rank: int, world: int) -> nn.Module:
    """Every process takes its share of each batch; gradients are averaged before each step."""
    (images, labels), test_set = digits.load()
    layers = [nn.Linear(digits.PIXELS, options.hidden), nn.ReLU(), nn.Linear(options.hidden, digits.CLASSES)]
    model = nn.Sequential(*layers)
    done = load_checkpoint(model, options.resume)
    shared = DistributedDataParallel(model)
    optimizer = torch.optim.SGD(shared.parameters(), lr=options.rate)
    for epoch in range(done + 1, options.epochs + 1):
        began, losses = time.monotonic(), []
        order = np.random.default_rng(epoch).permutation(len(images))  # the same in every process
        for start in range(0, len(order) - options.batch + 1, options.batch):
            mine = order[start : start + options.batch][rank::world]
            loss = nn.functional.cross_entropy(
                shared(torch.from_numpy(images[mine])), torch.from_numpy(labels[mine]).long()
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if rank == 0:
            save_checkpoint(model, epoch)
            progress = f"epoch {epoch}/{options.epochs}  loss {np.mean(losses):.4f}"
            speed = len(losses) / (time.monotonic() - began)
            print(f"{progress}  test accuracy {accuracy_of(model, *test_set):.3f}  {speed:.0f} steps/s", flush=True)
    return model


def accuracy_of(model: nn.Module, images: np.ndarray, labels: np.ndarray) -> float:
    with torch.no_grad():
        return float(np.mean(model(torch.from_numpy(images)).argmax(dim=1).numpy() == labels))


def checkpoint_path(number: int | None = None) -> Path | None:
    """Where rank 0 keeps the checkpoint, or where another training of the project kept its own."""
    base = os.environ.get("TAAS_MODEL_DIR")
    if not base:
        return None
    return (Path(base) if number is None else Path(base).parent / str(number)) / "checkpoints" / "digits.pt"


def load_checkpoint(model: nn.Module, resume: int | None) -> int:
    """Take over the weights of an earlier try of this training, else of the training named; return the epochs done."""
    for path in (checkpoint_path(), checkpoint_path(resume)):
        if path is not None and path.exists():
            kept = torch.load(path)
            model.load_state_dict(kept["weights"])
            print(f"going on after epoch {kept['epoch']}, from {path}", flush=True)
            return kept["epoch"]
    if resume is not None:
        raise SystemExit(f"Training {resume} has left no checkpoint to go on from.")
    return 0


def save_checkpoint(model: nn.Module, epoch: int) -> None:
    """Replace the file as a whole, so that a process killed meanwhile leaves the previous one."""
    path = checkpoint_path()
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save({"epoch": epoch, "weights": model.state_dict()}, partial)
    partial.replace(path)


def export(model: nn.Module) -> None:
    """Write a TorchScript model to TAAS_MODEL_DIR/<training's number>; a finished training leaves no checkpoint."""
    base, checkpoint = os.environ.get("TAAS_MODEL_DIR"), checkpoint_path()
    if not base or checkpoint is None:
        print("TAAS_MODEL_DIR is not set: the model is not exported", flush=True)
        return
    folder = Path(base) / os.environ.get("TAAS_NUMBER", "1")
    folder.mkdir(parents=True, exist_ok=True)
    torch.jit.script(model).save(str(folder / "model.pt"))
    checkpoint.unlink(missing_ok=True)
    print(f"model exported to {folder}/model.pt", flush=True)


if __name__ == "__main__":
    main()
