"""TensorFlow Serving's REST (8501) and gRPC (8500) interface; MODEL_NAME and MODEL_BASE_PATH as its image has them."""

import json
import os
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from model import BadRequest, Model, newest
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

GRPC_PORT, REST_PORT = 8500, 8501
NAME = os.environ.get("MODEL_NAME", "model")
BASE = Path(os.environ.get("MODEL_BASE_PATH", "/models")) / NAME
TRY_AGAIN = 2  # seconds until a model that was not there or would not load is tried again
PATH = re.compile(r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>[0-9]+))?(?P<rest>/metadata|:predict)?")


class Holder:
    """The model, once it is loaded."""

    model: Model | None = None

    def find(self, name: str, version: int | None) -> Model:
        """Raises LookupError unless that model, in that version if one is given, can be asked now."""
        if self.model is None or name != NAME or version not in (None, 0, self.model.version):
            raise LookupError(f"Servable not found for request: {name}, version {version or 'latest'}")
        return self.model

    def load(self) -> None:
        while self.model is None:
            try:
                directory = newest(BASE)
                if directory is not None:
                    self.model = Model(directory)
                    print(f"Serving {NAME}, version {self.model.version}", flush=True)
                    return
                print(f"No versions of servable {NAME} found under base path {BASE}", flush=True)
            except (OSError, ValueError, tf.errors.OpError) as problem:
                print(f"{NAME} could not be loaded: {problem}", flush=True)
            time.sleep(TRY_AGAIN)


HOLDER = Holder()


class Rest(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(lambda path: self._post(path, body))

    def log_message(self, format: str, *args: object) -> None:
        """Requests are counted by whoever balances them."""

    def _get(self, path: re.Match[str]) -> dict[str, Any]:
        model = HOLDER.find(path["name"], _number(path["version"]))
        if path["rest"] == "/metadata":
            signatures = {name: _as_json(signature) for name, signature in model.signatures.items()}
            return {
                "model_spec": {"name": NAME, "signature_name": "", "version": str(model.version)},
                "metadata": {"signature_def": {"signature_def": signatures}},
            }
        return {"model_version_status": [_as_json(_status(model))]}

    def _post(self, path: re.Match[str], body: bytes) -> dict[str, Any]:
        model = HOLDER.find(path["name"], _number(path["version"]))
        if path["rest"] != ":predict":
            raise BadRequest("Only :predict is served here.")
        asked = json.loads(body)
        if not isinstance(asked, dict) or ("instances" in asked) == ("inputs" in asked):
            raise BadRequest("Give either instances or inputs.")
        signature = asked.get("signature_name", "")
        names = list(model.signature(signature).inputs)
        if "inputs" in asked:
            given = asked["inputs"] if isinstance(asked["inputs"], dict) else {names[0]: asked["inputs"]}
            return {"outputs": _one_or_all(_lists(model.predict(signature, given)))}
        rows = asked["instances"]
        columns = (
            isinstance(rows, list) and rows and all(isinstance(row, dict) and row.keys() >= {*names} for row in rows)
        )
        given = {name: [row[name] for row in rows] for name in names} if columns else {names[0]: rows}
        outputs = _lists(model.predict(signature, given))
        if len(outputs) == 1:
            return {"predictions": next(iter(outputs.values()))}
        return {"predictions": [dict(zip(outputs, row, strict=True)) for row in zip(*outputs.values(), strict=True)]}

    def _answer(self, make: Any) -> None:
        path = PATH.fullmatch(self.path.partition("?")[0])
        try:
            if path is None:
                raise LookupError(f"Malformed request: {self.command} {self.path}")
            status, content = 200, make(path)
        except LookupError as problem:
            status, content = 404, {"error": str(problem)}
        except ValueError as problem:  # among them: not JSON
            status, content = 400, {"error": str(problem)}
        body = json.dumps(content, indent=1).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Prediction(prediction_service_pb2_grpc.PredictionServiceServicer):
    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:
        model = _found(request.model_spec, context)
        try:
            given = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
            outputs = model.predict(request.model_spec.signature_name, given)
        except BadRequest as problem:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(problem))
        answer = predict_pb2.PredictResponse()
        _tell_which(answer.model_spec, model)
        for name, tensor in outputs.items():
            answer.outputs[name].CopyFrom(tf.make_tensor_proto(tensor))
        return answer

    def GetModelMetadata(self, request: Any, context: grpc.ServicerContext) -> Any:
        model = _found(request.model_spec, context)
        answer = get_model_metadata_pb2.GetModelMetadataResponse()
        _tell_which(answer.model_spec, model)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in model.signatures.items():
            signatures.signature_def[name].CopyFrom(signature)
        answer.metadata["signature_def"].Pack(signatures)
        return answer


class Status(model_service_pb2_grpc.ModelServiceServicer):
    def GetModelStatus(self, request: Any, context: grpc.ServicerContext) -> Any:
        model = _found(request.model_spec, context)
        return get_model_status_pb2.GetModelStatusResponse(model_version_status=[_status(model)])


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # at once, as TensorFlow Serving: draining is others' matter
    server = grpc.server(ThreadPoolExecutor(8))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Prediction(), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(Status(), server)
    server.add_insecure_port(f"[::]:{GRPC_PORT}")
    server.start()
    threading.Thread(target=HOLDER.load, daemon=True).start()
    ThreadingHTTPServer(("", REST_PORT), Rest).serve_forever()


def _found(spec: Any, context: grpc.ServicerContext) -> Model:
    try:
        return HOLDER.find(spec.name, spec.version.value if spec.HasField("version") else None)
    except LookupError as problem:
        context.abort(grpc.StatusCode.NOT_FOUND, str(problem))
        raise


def _status(model: Model) -> Any:
    available = get_model_status_pb2.ModelVersionStatus.State.AVAILABLE
    return get_model_status_pb2.ModelVersionStatus(version=model.version, state=available)


def _tell_which(spec: Any, model: Model) -> None:
    spec.name = NAME
    spec.version.value = model.version


def _as_json(message: Any) -> dict[str, Any]:
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _lists(outputs: dict[str, tf.Tensor]) -> dict[str, Any]:
    """As nested lists; text is shown as UTF-8, as far as it is that."""
    return {name: _texts(tensor.numpy().tolist()) for name, tensor in outputs.items()}


def _texts(value: Any) -> Any:
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _one_or_all(outputs: dict[str, Any]) -> Any:
    return next(iter(outputs.values())) if len(outputs) == 1 else outputs


def _number(text: str | None) -> int | None:
    return int(text) if text else None


if __name__ == "__main__":
    main()
