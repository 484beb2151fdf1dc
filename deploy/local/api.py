"""Just enough of a Kubernetes client to set an instance up: JSON over the admin's certificate."""

import json
import ssl
import urllib.error
import urllib.request
from typing import Any

from deploy.local import pki
from deploy.local.instance import Instance


class ApiError(RuntimeError):
    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code = code


def call(instance: Instance, method: str, path: str, body: object = None, *, timeout: float = 10) -> Any:
    """The answer's JSON; `ApiError` with the server's words for an error answer, `OSError` for none."""
    where = pki.directory(instance)
    trust = ssl.create_default_context(cafile=str(where / "ca.crt"))
    trust.load_cert_chain(where / "admin.crt", where / "admin.key")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust))
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(instance.server + path, data, {"Content-Type": kind}, method=method)
    request.add_header("User-Agent", "taas-local")
    try:
        with opener.open(request, timeout=timeout) as answer:
            text = answer.read()
    except urllib.error.HTTPError as problem:
        raise ApiError(problem.code, problem.read().decode(errors="replace")) from problem
    return json.loads(text) if text.startswith(b"{") else text.decode()
