"""Servings that tests are about, and clients that ask one as programs do."""

from __future__ import annotations

import asyncio
import json
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from dataclasses import replace as changed
from typing import Any

import grpc
import httpx

from app.domain.endpoints.endpoint import Endpoint, Kind
from app.domain.endpoints.serving import Autoscaling, Balancing, Canary, Gateway, ModelVersion, ServingSpec
from app.domain.project import Resources
from app.domain.training import StorageMount
from app.k8s.manifests.endpoints import Place
from tests.support.decisions import ID, T0

DISK = StorageMount("disk", "local", {"path": "/srv/taas", "node": "node-1"}, "digits-abcde")
ONE = ModelVersion(1, DISK, "models/17/export", "digits #17", ID)
TWO = ModelVersion(2, DISK, "data/better", "data/better")
SPEC = ServingSpec(
    name="digits",
    image="registry.example.com/serving:1",
    balancing=Balancing(image="registry.example.com/haproxy:1"),
    versions=(ONE, TWO),
    live=1,
    resources=Resources(cpu="500m", memory="1Gi"),
)


def endpoint(spec: ServingSpec = SPEC, **more: Any) -> Endpoint:
    """A serving's row, as it is once its namespace is made."""
    given = {
        "id": ID,
        "kind": Kind.SERVING,
        "name": spec.name,
        "project_id": ID,
        "project": "digits",
        "owner_id": ID,
        "created_by": "ada",
        "created_at": T0,
        "launch": 1,
        "namespace": "taas-serving-digits-abcde",
        "namespace_uid": "uid-space",
        "spec_gen": 3,
    }
    return Endpoint(**{**given, "spec": spec, **more})


def places() -> dict[str, Place]:
    """Name of the golden → what it is of."""
    gateway = changed(SPEC.balancing, gateway=Gateway("infra", "public", "models.example.com"))
    full = changed(
        SPEC,
        canary=Canary(2, 20),
        autoscaling=Autoscaling(2, 8),
        args=("--enable_batching", "--tensorflow_session_parallelism=$2"),
        resources=Resources(cpu="2", memory="4Gi", gpu=1),
    )
    return {
        "balanced": Place(endpoint(), "tests"),
        "canary": Place(endpoint(full), "tests", pull_secret={"auths": {"registry.example.com": {"auth": "eA=="}}}),
        "gateway": Place(endpoint(changed(full, balancing=gateway)), "tests"),
    }


@dataclass
class Load:
    """Requests that a test keeps sending: answers by value, and what went wrong."""

    rest: Counter[float] = field(default_factory=Counter)
    grpc: Counter[float] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


@asynccontextmanager
async def load(address: str, grpc_address: str, model: str) -> AsyncIterator[Load]:
    """Two kept REST connections and one kept gRPC connection, each asking again and again for the block's length."""
    found, stop = Load(), asyncio.Event()

    async def pause() -> bool:
        try:
            await asyncio.wait_for(stop.wait(), 0.05)
        except TimeoutError:
            return True
        return False

    async def ask_rest() -> None:
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            while await pause():
                try:
                    answer = await client.post(f"http://{address}/v1/models/{model}:predict", json=EXAMPLE)
                    answer.raise_for_status()
                    found.rest[answer.json()["predictions"][0]] += 1
                except httpx.HTTPError as exc:
                    found.failures.append(f"REST: {exc!r}")

    async def ask_grpc() -> None:
        async with grpc.aio.insecure_channel(grpc_address) as channel:
            while await pause():
                try:
                    found.grpc[await predict(channel, model)] += 1
                except grpc.aio.AioRpcError as exc:
                    found.failures.append(f"gRPC: {exc.code()} {exc.details()}")

    async with asyncio.TaskGroup() as group:
        for ask in (ask_rest, ask_rest, ask_grpc):
            group.create_task(ask())
        try:
            yield found
        finally:
            stop.set()


EXAMPLE = {"instances": [[1.0, 2.0]]}
"""What the model of the tests is asked: it answers with the sum, times its version's factor."""


async def predict(channel: grpc.aio.Channel, model: str) -> float:
    """PredictionService.Predict of the same example. Its messages are few enough to be written by hand."""
    call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    shape = b"".join(_bytes(2, b"\x08" + bytes([size])) for size in (1, 2))
    tensor = b"\x08\x01" + _bytes(2, shape) + _bytes(4, struct.pack("<2f", 1.0, 2.0))  # DT_FLOAT, shape, content
    request = _bytes(1, _bytes(1, model.encode())) + _bytes(2, _bytes(1, b"x") + _bytes(2, tensor))
    answer: bytes = await call(request, timeout=60)
    # outputs { y: float_val [v] }: the only four bytes after a packed field 5 of length 4.
    at = answer.index(b"\x2a\x04")
    value: float = struct.unpack("<f", answer[at + 2 : at + 6])[0]
    return value


def _bytes(number: int, content: bytes) -> bytes:
    """A length-delimited field of a protobuf message; shorter than 128 bytes."""
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def described(**inputs: tuple[str, list[int]]) -> dict[str, Any]:
    """A model's metadata as TensorFlow Serving writes it: inputs by name, each with its type and sizes."""
    tensors = {
        name: {"dtype": dtype, "tensor_shape": {"dim": [{"size": str(size), "name": ""} for size in sizes]}}
        for name, (dtype, sizes) in inputs.items()
    }
    signatures = {"serving_default": {"inputs": tensors, "outputs": {}}, "__saved_model_init_op": {}}
    metadata: dict[str, Any] = json.loads(json.dumps({"signature_def": {"signature_def": signatures}}))
    return {"metadata": metadata}
