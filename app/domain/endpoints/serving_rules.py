"""Whether a serving can be made as it is asked for: each rule with a sentence that says what would be right."""

from __future__ import annotations

from collections.abc import Iterator

from app.domain import names
from app.domain.endpoints.promotion import check_promotion
from app.domain.endpoints.serving import Autoscaling, Canary, ServingSpec
from app.domain.validate import check_resources
from app.errors import FieldError

REPLICAS_MAX = 64
"""The balancer keeps a place for each."""
ARGS_MAX = 50
PATH_MAX = 500
_OURS = ("--port", "--rest_api_port", "--model_name", "--model_base_path", "--model_config_file")


def check_serving(spec: ServingSpec) -> list[FieldError]:
    """What is wrong with it; empty when nothing is. Pointers are those of the JSON that asks for it."""
    return [
        *_name(spec.name),
        *_image(spec.image),
        *_count("/replicas", spec.replicas),
        *check_resources(spec.resources),
        *_args(spec.args),
        *(_autoscaling(spec.autoscaling) if spec.autoscaling else ()),
        *(check_promotion(spec.promotion) if spec.promotion else ()),
        *(_canary(spec.canary) if spec.canary else ()),
    ]


def check_path(path: str) -> list[FieldError]:
    """Whether it names a directory within a folder."""
    parts = path.split("/")
    good = len(path) <= PATH_MAX and path.isprintable() and all(part not in ("", ".", "..") for part in parts)
    if path == "" or good:
        return []
    return [FieldError("/path", "Give a directory within the project's folder, such as models/17/export.")]


def _name(name: str) -> Iterator[FieldError]:
    if not names.NAME.fullmatch(name):
        yield FieldError("/name", f"{name!r} cannot be part of an address; {names.NAME_RULE}.")


def _image(image: str) -> Iterator[FieldError]:
    if not names.is_image(image):
        yield FieldError("/image", "Give an image reference, such as tensorflow/serving:2.19.1.")


def _count(at: str, count: int) -> Iterator[FieldError]:
    if not 1 <= count <= REPLICAS_MAX:
        yield FieldError(at, f"{count} is not possible; use 1 to {REPLICAS_MAX}.")


def _args(args: tuple[str, ...]) -> Iterator[FieldError]:
    if len(args) > ARGS_MAX:
        yield FieldError("/args", f"There are {len(args)} arguments; at most {ARGS_MAX} are possible.")
        return
    for index, text in enumerate(args):
        if not text or not text.isprintable() or len(text) > 1_000:
            yield FieldError(f"/args/{index}", "Give one printable argument of at most 1,000 characters.")
        elif text.startswith(_OURS):
            yield FieldError(f"/args/{index}", f"{text.partition('=')[0]} is set by TaaS; leave it out.")


def _autoscaling(scaling: Autoscaling) -> Iterator[FieldError]:
    yield from _count("/autoscaling/least", scaling.least)
    yield from _count("/autoscaling/most", scaling.most)
    if scaling.least > scaling.most:
        yield FieldError("/autoscaling/most", f"It is less than the least, {scaling.least}; raise it.")
    if not 1 <= scaling.cpu_percent <= 100:
        yield FieldError("/autoscaling/cpu_percent", f"{scaling.cpu_percent} is not possible; use 1 to 100.")


def _canary(canary: Canary) -> Iterator[FieldError]:
    if not 1 <= canary.percent <= 99:
        yield FieldError("/percent", f"{canary.percent} is not possible; use 1 to 99, or make the version live.")
    yield from _count("/replicas", canary.replicas)
