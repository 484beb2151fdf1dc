"""The command: `python3 -m deploy.local up | down | status | preflight | …`."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.local import build, cluster, instance, kwok, layers, nodes, preflight, prune, toolchain
from deploy.local.progress import say


def main() -> int:
    arguments = _parsed(sys.argv[1:])
    try:
        return arguments.act(arguments) or 0
    except (RuntimeError, ValueError, LookupError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1


def _parsed(words: list[str]) -> argparse.Namespace:
    """kubectl's own options may come first: `kubectl -n default get pods`."""
    parser = _parser()
    arguments, unknown = parser.parse_known_args(words)
    if arguments.act is _kubectl:
        arguments.arguments = unknown + arguments.arguments
    elif unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return arguments


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m deploy.local", description=__doc__.partition(":")[0])
    parser.add_argument("--name", default="run", help="which instance (default: run)")
    commands = parser.add_subparsers(required=True)

    def command(name: str, act: Callable[..., int | None], text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text)
        made.add_argument("--name", default=argparse.SUPPRESS, help="which instance (default: run)")
        made.set_defaults(act=act)
        return made

    up = command("up", _up, "bring it up, or repair it")
    up.add_argument("--control-plane", action="store_const", const=False, dest="node", help="no node: only fake ones")
    up.add_argument("--log-max-size", help="kubelet's rotation size of a container's log (default 10Mi)")
    up.add_argument("--metrics", action=argparse.BooleanOptionalAction, help="with metrics-server: what pods use")
    down = command("down", _down, "end it; its data stays")
    down.add_argument("--purge", action="store_true", help="delete its data too")
    down.add_argument("--all", action="store_true", help="every instance there is")
    command("status", _status, "what runs where; fails unless all is healthy")
    command("kubeconfig", _kubeconfig, "print the path of its kubeconfig")
    command("build", _build, "build the programs and make the images, remove old ones, start nothing")
    command("prune", _prune, "remove programs and images of older checkouts that nothing has used for two weeks")
    command("load", _load, "load a docker-archive into it").add_argument("archive", type=Path)
    command("image", _image, "make and load an image that is not there by default: torch").add_argument("image")
    for name, act in (("start", _start), ("stop", _stop)):
        command(name, act, f"{name} one component").add_argument("component")
    many = command("nodes", _nodes, "have exactly N fake nodes")
    many.add_argument("count", type=int)
    many.add_argument("--prefix", default="fake", help="their names are PREFIX-0…; each prefix is counted apart")
    many.add_argument("--label", action="append", default=[], metavar="KEY=VALUE")
    many.add_argument("--taint", action="append", default=[], metavar="KEY=VALUE:EFFECT")
    many.add_argument("--resource", action="append", default=[], metavar="NAME=QUANTITY", help="e.g. nvidia.com/gpu=4")
    check = command("preflight", _preflight, "can this machine run it? all that is in the way, at once")
    check.add_argument("--port", type=int, action="append", default=[], help="must be free on 127.0.0.1")
    command("kubectl", _kubectl, "run kubectl against it").add_argument("arguments", nargs=argparse.REMAINDER)
    return parser


def _up(arguments: argparse.Namespace) -> None:
    wanted = {name: getattr(arguments, name) for name in ("node", "log_max_size", "metrics")}
    this = cluster.up(arguments.name, **wanted)
    print(this.kubeconfig)


def _down(arguments: argparse.Namespace) -> None:
    names = [this.name for this in instance.all_instances()] if arguments.all else [arguments.name]
    for name in names:
        cluster.down(name, purge=arguments.purge)


def _status(arguments: argparse.Namespace) -> int:
    lines, healthy = cluster.status(arguments.name)
    print("\n".join(lines))
    return 0 if healthy else 1


def _kubeconfig(arguments: argparse.Namespace) -> None:
    print(_known(arguments.name).kubeconfig)


def _build(arguments: argparse.Namespace) -> None:
    toolchain.install_packages()
    build.ensure()
    layers.ensure()
    if removed := prune.prune():
        say(prune.said(removed))


def _prune(arguments: argparse.Namespace) -> None:
    print(prune.said(prune.prune()))


def _load(arguments: argparse.Namespace) -> None:
    print("\n".join(cluster.load(arguments.name, arguments.archive)))


def _image(arguments: argparse.Namespace) -> None:
    print(cluster.ensure_image(arguments.name, arguments.image))


def _start(arguments: argparse.Namespace) -> None:
    cluster.start(arguments.name, arguments.component)


def _stop(arguments: argparse.Namespace) -> None:
    cluster.stop(arguments.name, arguments.component)


def _nodes(arguments: argparse.Namespace) -> None:
    made = nodes.ensure_fake_nodes(
        arguments.name,
        arguments.count,
        prefix=arguments.prefix,
        labels=dict(kwok.parse_pair(text) for text in arguments.label),
        taints=[kwok.parse_taint(text) for text in arguments.taint],
        resources=dict(kwok.parse_pair(text) for text in arguments.resource),
    )
    print("\n".join(made))


def _preflight(arguments: argparse.Namespace) -> int:
    lines, fine = preflight.check(arguments.name, arguments.port)
    print("\n".join(lines))
    return 0 if fine else 1


def _kubectl(arguments: argparse.Namespace) -> None:
    program = build.directories()["kubernetes"] / "kubectl"
    configuration = f"--kubeconfig={_known(arguments.name).kubeconfig}"
    os.execv(program, ["kubectl", configuration, *arguments.arguments])


def _known(name: str) -> instance.Instance:
    this = instance.load(name)
    if this is None:
        raise RuntimeError(f"There is no local cluster {name!r}: run `up` first.")
    return this


if __name__ == "__main__":
    sys.exit(main())
