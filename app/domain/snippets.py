"""How pipelines call a hook: ready to paste, with the address filled in and every secret left to the environment."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from app.domain.hook import ParamRule, ParamType, Signing

_EXAMPLES: dict[ParamType, Any] = {
    ParamType.STRING: "some text",
    ParamType.INTEGER: 3,
    ParamType.NUMBER: 0.5,
    ParamType.BOOLEAN: True,
}


@dataclass(frozen=True, slots=True)
class Snippet:
    """`language` is what highlighters call it; `note` says what else is needed."""

    name: str
    title: str
    language: str
    note: str
    text: str


def snippets(base: str, project: str, signing: Signing, rules: Sequence[ParamRule]) -> list[Snippet]:
    """For a hook of `project` that is reached at `base`. Only a shell can sign: the others are for unsigned hooks."""
    body = example(rules)
    shell = _shell(base, signing, body)
    signed = signing is not Signing.NONE
    found = [
        Snippet("curl", "curl", "bash", f"In the environment: {_asked(signed)}.", shell),
        Snippet(
            "github",
            "GitHub Actions",
            "yaml",
            f"In the repository's secrets: {_asked(signed)}. GitHub's runners have to reach {base}.",
            _github(project, signing, shell),
        ),
    ]
    if not signed:
        found += [
            Snippet("airflow", "Airflow", "python", _airflow_note(base), _airflow(project, body)),
            Snippet(
                "dagster",
                "Dagster",
                "python",
                f"In the environment: {_asked(signed)}; TAAS_API_TOKEN, an API token.",
                _dagster(base, project, body),
            ),
            Snippet("argo", "Argo Workflows", "yaml", _ARGO_NOTE, _argo(base, project, body)),
        ]
    return found


def only_here(base: str) -> bool:
    """Whether nobody but the machine itself reaches that address."""
    host = urlsplit(base).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name
        return host == "localhost" or host.endswith(".localhost")


def example(rules: Sequence[ParamRule]) -> Any:
    """A payload that gives every parameter of `rules` a value."""
    document: dict[str, Any] = {}
    for rule in rules:
        parts = [part.replace("~1", "/").replace("~0", "~") for part in rule.path.split("/")[1:]]
        here = document
        for part in parts[:-1]:
            deeper = here.setdefault(part, {})
            here = deeper if isinstance(deeper, dict) else {}
        if parts:
            here.setdefault(parts[-1], _EXAMPLES[rule.type] if rule.default is None else _typed(rule))
    return _with_lists(document)


def _typed(rule: ParamRule) -> Any:
    """A rule's default as a sender would write it: forms and pages keep numbers as text, too."""
    if rule.type is ParamType.STRING or not isinstance(rule.default, str):
        return rule.default
    if rule.type is ParamType.BOOLEAN:
        return rule.default == "true"
    if rule.type is ParamType.INTEGER:
        return int(rule.default)
    number = float(rule.default)
    return number if math.isfinite(number) else rule.default  # JSON has no such number, but a text is read as one


def _with_lists(value: Any) -> Any:
    """An object whose names are 0, 1, 2 … was meant as a list."""
    if not isinstance(value, dict):
        return value
    parts = {name: _with_lists(part) for name, part in value.items()}
    if parts and list(parts) == [str(place) for place in range(len(parts))]:
        return list(parts.values())
    return parts


def _shell(base: str, signing: Signing, body: Any) -> str:
    quoted = json.dumps(body).replace("'", "'\\''")
    lines = [f"body='{quoted}'", 'id="${RUN_ID:-$(date +%s)-$$}"', *_SIGNING[signing], "curl --fail-with-body -sS \\"]
    lines += [f"  --header {header} \\" for header in ('"Content-Type: application/json"', *_HEADERS[signing])]
    return "\n".join([*lines, '  --data-binary "$body" \\', f'  "{base}/hooks/$TAAS_HOOK_TOKEN"', ""])


def _github(project: str, signing: Signing, shell: str) -> str:
    secret = "" if signing is Signing.NONE else "          TAAS_HOOK_SECRET: ${{ secrets.TAAS_HOOK_SECRET }}\n"
    script = "".join(f"          {line}\n" for line in shell.splitlines())
    return (
        f"name: Train {project}\n"
        "on:\n"
        "  push:\n"
        "    branches: [main]\n"
        "jobs:\n"
        "  train:\n"
        "    runs-on: ubuntu-latest\n"
        "    permissions: {}\n"
        "    steps:\n"
        f"      - name: Start {project}\n"
        "        env:\n"
        "          RUN_ID: ${{ github.run_id }}-${{ github.run_attempt }}\n"
        "          TAAS_HOOK_TOKEN: ${{ secrets.TAAS_HOOK_TOKEN }}\n"
        f"{secret}"
        "        run: |\n"
        f"{script}"
    )


def _airflow(project: str, body: Any) -> str:
    return f"""import json

from airflow.providers.http.operators.http import HttpOperator
from airflow.providers.http.sensors.http import HttpSensor
from airflow.sdk import DAG

OUTCOME = "/api/v1/trainings/{{{{ ti.xcom_pull(task_ids='start')['training'] }}}}/outcome"
AUTH = {{"Authorization": "Bearer {{{{ var.value.taas_api_token }}}}"}}

with DAG(dag_id={json.dumps(f"train-{project}")}, schedule=None, catchup=False):
    start = HttpOperator(
        task_id="start",
        http_conn_id="taas",
        endpoint="/hooks/{{{{ var.value.taas_hook_token }}}}",
        method="POST",
        headers={{"Content-Type": "application/json", "Idempotency-Key": "{{{{ dag.dag_id }}}}/{{{{ run_id }}}}"}},
        data=json.dumps({_python(body)}),
        response_filter=lambda response: response.json(),
    )
    ended = HttpSensor(
        task_id="ended",
        http_conn_id="taas",
        endpoint=OUTCOME,
        headers=AUTH,
        poke_interval=30,
        timeout=24 * 3600,
        deferrable=True,
    )
    succeeded = HttpOperator(
        task_id="succeeded",
        http_conn_id="taas",
        endpoint=OUTCOME,
        method="GET",
        headers=AUTH,
        response_check=lambda response: response.json()["state"] == "succeeded",
    )
    start >> ended >> succeeded
"""


def _dagster(base: str, project: str, body: Any) -> str:
    function = "".join(letter if letter.isalnum() else "_" for letter in project)
    return f"""import os
import time

import dagster as dg
import requests

TAAS = {json.dumps(base)}


@dg.asset
def trained_{function}(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    started = requests.post(
        f"{{TAAS}}/hooks/{{os.environ['TAAS_HOOK_TOKEN']}}",
        json={_python(body)},
        headers={{"Idempotency-Key": context.run.run_id}},
        timeout=30,
    )
    started.raise_for_status()
    headers = {{"Authorization": f"Bearer {{os.environ['TAAS_API_TOKEN']}}"}}
    outcome = f"{{TAAS}}/api/v1/trainings/{{started.json()['training']}}/outcome"
    while (answer := requests.get(outcome, headers=headers, timeout=30)).status_code == 404:
        time.sleep(30)
    answer.raise_for_status()
    if answer.json()["state"] != "succeeded":
        raise dg.Failure(answer.json()["message"])
    return dg.MaterializeResult(metadata={{"training": started.json()["page"]}})
"""


def _argo(base: str, project: str, body: Any) -> str:
    payload = json.dumps(json.dumps(body))
    return (
        "apiVersion: argoproj.io/v1alpha1\n"
        "kind: Workflow\n"
        "metadata:\n"
        f"  generateName: train-{project.replace('_', '-').replace('.', '-')}-\n"
        "spec:\n"
        "  entrypoint: start\n"
        "  arguments:\n"
        "    parameters:\n"
        "      - name: taas-hook-token\n"
        "        valueFrom:\n"
        "          configMapKeyRef: {name: taas, key: hook-token}\n"
        "  templates:\n"
        "    - name: start\n"
        "      http:\n"
        f"        url: {base}/hooks/{{{{workflow.parameters.taas-hook-token}}}}\n"
        "        method: POST\n"
        "        headers:\n"
        "          - name: Content-Type\n"
        "            value: application/json\n"
        "          - name: Idempotency-Key\n"
        '            value: "{{workflow.uid}}"\n'
        f"        body: {payload}\n"
        '        successCondition: "response.statusCode == 202"\n'
    )


def _python(body: Any) -> str:
    """As source code, in double quotes where that is the same."""
    plain = repr(body)
    return plain if '"' in plain or "\\" in plain else plain.replace("'", '"')


def _asked(signed: bool) -> str:
    secret = "; TAAS_HOOK_SECRET, its secret to sign with" if signed else ""
    return f"TAAS_HOOK_TOKEN, {_TOKEN}{secret}"


def _airflow_note(base: str) -> str:
    return (
        f"Needs Airflow 3 with apache-airflow-providers-http, an HTTP connection named taas whose host is {base}, and "
        f"two variables: taas_hook_token, {_TOKEN}, and taas_api_token, an API token. The sensor is deferred: it holds "
        "no worker while it waits, but a triggerer has to run."
    )


_HEX = "key=$(printf %s \"${TAAS_HOOK_SECRET#whsec_}\" | base64 -d | od -An -v -tx1 | tr -d ' \\n')"
_SIGNING = {
    Signing.NONE: (),
    Signing.STANDARD: (
        "at=$(date +%s)",
        _HEX,
        'signed="$id.$at.$body"',
        'signature=$(printf %s "$signed" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)',
    ),
    Signing.GITHUB: (
        'signature=$(printf %s "$body" | openssl dgst -sha256 -hmac "$TAAS_HOOK_SECRET" -r | cut -d " " -f 1)',
    ),
}
_HEADERS = {
    Signing.NONE: ('"Idempotency-Key: $id"',),
    Signing.STANDARD: ('"webhook-id: $id"', '"webhook-timestamp: $at"', '"webhook-signature: v1,$signature"'),
    Signing.GITHUB: ('"Idempotency-Key: $id"', '"X-Hub-Signature-256: sha256=$signature"'),
}
_TOKEN = "what follows /hooks/ in the hook's address"
_ARGO_NOTE = (
    f"In the workflow's namespace: a ConfigMap taas with the label workflows.argoproj.io/configmap-type: Parameter, "
    f"without which Argo does not find it, and the key hook-token, {_TOKEN}. The workflow starts the training and does "
    "not wait for its end."
)
