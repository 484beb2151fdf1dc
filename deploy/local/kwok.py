"""Fake nodes: what kwok does to them and to their pods, and the Node objects themselves. Pure.

A fake pod becomes Running at once and stays so until it is deleted: a test that wants another end writes `pods/status`.
"""

import hashlib
import json

FAKE = "kwok.x-k8s.io/node"
MADE_OF = "taas-local/made-of"  # a digest of the properties a fake node was asked to have
KUBELET_PORT = 10247

_CONDITIONS = """
{{ $now := Now }}
conditions:
{{ range NodeConditions }}
- type: {{ .type | Quote }}
  status: {{ .status | Quote }}
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
"""

_NODE_ADDRESS = f"""
addresses:
{{{{ with NodeIP }}}}
- type: InternalIP
  address: {{{{ . | Quote }}}}
{{{{ end }}}}
daemonEndpoints:
  kubeletEndpoint:
    Port: {KUBELET_PORT}
nodeInfo:
  architecture: amd64
  operatingSystem: linux
  kubeletVersion: fake
phase: Running
"""

_POD_READY = """
{{ $now := Now }}
phase: Running
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
podIP: {{ PodIPWith .spec.nodeName false .metadata.uid .metadata.name .metadata.namespace | Quote }}
startTime: {{ $now | Quote }}
conditions:
- {type: PodReadyToStartContainers, status: "True", lastTransitionTime: {{ $now | Quote }}}
- {type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }}}
- {type: ContainersReady, status: "True", lastTransitionTime: {{ $now | Quote }}}
- {type: Ready, status: "True", lastTransitionTime: {{ $now | Quote }}}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: true
  started: true
  restartCount: 0
  state:
    running:
      startedAt: {{ $now | Quote }}
{{ end }}
"""

_POD_ENDED = """
{{ $now := Now }}
phase: Failed
conditions:
- {type: ContainersReady, status: "False", lastTransitionTime: {{ $now | Quote }}}
- {type: Ready, status: "False", lastTransitionTime: {{ $now | Quote }}}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: false
  started: false
  restartCount: 0
  state:
    terminated:
      exitCode: 143
      reason: Error
      startedAt: {{ $now | Quote }}
      finishedAt: {{ $now | Quote }}
{{ end }}
"""


def stages() -> list[dict[str, object]]:
    ready = '.status.conditions.[] | select( .type == "Ready" ) | .status'
    node, pod = {"apiGroup": "v1", "kind": "Node"}, {"apiGroup": "v1", "kind": "Pod"}
    absent, present = {"operator": "DoesNotExist"}, {"operator": "Exists"}
    deleted = {"key": ".metadata.deletionTimestamp"}
    return [
        _stage(
            "node-initialize",
            node,
            [{"key": ready, "operator": "NotIn", "values": ["True"]}],
            {"statusTemplate": _CONDITIONS + _NODE_ADDRESS},
        ),
        # Without leases, so that a restarted kwok goes on at once instead of waiting for its predecessor's to expire.
        _stage(
            "node-heartbeat",
            node,
            [{"key": ready, "operator": "In", "values": ["True"]}],
            {"statusTemplate": _CONDITIONS},
            delay={"durationMilliseconds": 10_000, "jitterDurationMilliseconds": 15_000},
        ),
        _stage(
            "pod-ready",
            pod,
            [deleted | absent, {"key": ".status.podIP"} | absent],
            {"statusTemplate": _POD_READY},
        ),
        # As a kubelet does it: the containers end first, then the object goes, once its finalizers allow.
        _stage(
            "pod-end",
            pod,
            [deleted | present, {"key": ".status.phase", "operator": "In", "values": ["Pending", "Running"]}],
            {"statusTemplate": _POD_ENDED},
        ),
        _stage(
            "pod-delete",
            pod,
            [deleted | present, {"key": ".status.phase", "operator": "In", "values": ["Succeeded", "Failed"]}],
            {"delete": True},
        ),
    ]


def node(
    name: str,
    *,
    labels: dict[str, str],
    taints: list[dict[str, str]],
    resources: dict[str, str],
) -> dict[str, object]:
    """A Node object with 32 processors and 256 GiB unless `resources` says otherwise."""
    capacity = {"cpu": "32", "memory": "256Gi", "pods": "250", "ephemeral-storage": "1Ti"} | resources
    digest = hashlib.sha256(json.dumps([labels, taints, capacity], sort_keys=True).encode()).hexdigest()[:16]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {FAKE: "fake", MADE_OF: digest, "node.alpha.kubernetes.io/ttl": "0"},
            "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "type": "fake"} | labels,
        },
        "spec": {"taints": taints} if taints else {},
        "status": {"capacity": capacity, "allocatable": capacity},
    }


def parse_taint(text: str) -> dict[str, str]:
    """`key=value:NoSchedule` or `key:NoSchedule`."""
    left, colon, effect = text.rpartition(":")
    key, _, value = left.partition("=")
    if not colon or not key or effect not in ("NoSchedule", "PreferNoSchedule", "NoExecute"):
        raise ValueError(f"The taint {text!r} is not usable: write key=value:NoSchedule (or NoExecute).")
    return {"key": key, "value": value, "effect": effect}


def parse_pair(text: str) -> tuple[str, str]:
    """`key=value`, as for labels and resources (`nvidia.com/gpu=4`)."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise ValueError(f"{text!r} is not usable: write key=value, for example nvidia.com/gpu=4.")
    return key, value


def _stage(
    name: str,
    resource: dict[str, str],
    when: list[dict[str, object]],
    then: dict[str, object],
    *,
    delay: dict[str, int] | None = None,
) -> dict[str, object]:
    spec: dict[str, object] = {"resourceRef": resource, "selector": {"matchExpressions": when}, "next": then}
    if delay:
        spec["delay"] = delay
    return {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Stage", "metadata": {"name": name}, "spec": spec}
