"""The configuration files of an instance, as text. Pure. JSON is YAML, so YAML readers get JSON."""

import json
from pathlib import Path

from deploy.local.instance import Instance
from deploy.local.kwok import stages

PAUSE = "localhost/taas/pause:1"
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"  # inside the instance, where /run is its own


def files(instance: Instance, *, snapshotter: str, cni_binaries: Path) -> dict[str, str]:
    """File name (under the instance's `config/`) to content."""
    return {
        "audit-policy.json": _json(audit_policy()),
        "kubelet.json": _json(kubelet(instance)),
        "proxy.json": _json(proxy(instance)),
        "containerd.toml": containerd(instance, snapshotter, cni_binaries),
        "cni/10-pods.conflist": _json(cni(instance)),
        "Corefile": corefile(instance),
        "resolv.conf": f"nameserver {instance.addresses.node}\n",
        "kwok.json": "\n---\n".join(_json(stage) for stage in stages()),
    }


def audit_policy() -> dict[str, object]:
    """One line per finished request: who, with which user agent, what, the answer's code. No heartbeats."""
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
            {
                "level": "None",
                "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*", "/openapi*", "/api", "/apis*", "/version"],
            },
            {
                "level": "None",
                "resources": [{"group": "", "resources": ["nodes/status"]}],
                "verbs": ["patch", "update"],
            },
            {"level": "Metadata", "users": ["system:serviceaccount:taas:taas"]},  # TaaS, by deploy/rbac.yaml
            # The cluster's own components read all the time; what they write is kept.
            {
                "level": "None",
                "userGroups": ["system:nodes", "system:serviceaccounts"],
                "verbs": ["get", "list", "watch"],
            },
            {
                "level": "None",
                "users": [
                    "system:apiserver",
                    "system:kube-controller-manager",
                    "system:kube-scheduler",
                    "system:kube-proxy",
                    "coredns",
                    "kwok",
                    "metrics-server",
                ],
                "verbs": ["get", "list", "watch"],
            },
            {"level": "Metadata"},
        ],
    }


def kubelet(instance: Instance) -> dict[str, object]:
    pki = instance.directory / "pki"
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": str(instance.addresses.node),
        "healthzBindAddress": "127.0.0.1",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "tlsCertFile": f"{pki}/kubelet.crt",
        "tlsPrivateKeyFile": f"{pki}/kubelet.key",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "volumePluginDir": f"{instance.directory}/volume-plugins",
        "clusterDomain": "cluster.local",
        "clusterDNS": [str(instance.addresses.node)],
        "resolvConf": f"{instance.directory}/config/resolv.conf",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{instance.cgroup}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "makeIPTablesUtilChains": False,
        "serializeImagePulls": False,
        # Images cannot be pulled again: they are never collected, and nothing is evicted for a share of a large disk.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "500Mi", "imagefs.available": "500Mi"},
        "maxPods": 250,
        "containerLogMaxSize": instance.options.log_max_size,
        "containerLogMaxFiles": instance.options.log_max_files,
        "shutdownGracePeriod": "0s",
        "nodeStatusUpdateFrequency": "5s",
    }


def proxy(instance: Instance) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "hostnameOverride": instance.node_name,
        "clientConnection": {"kubeconfig": f"{instance.directory}/pki/proxy.kubeconfig"},
        "clusterCIDR": str(instance.addresses.pods),
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        # Pods share one bridge: without masquerading a Service's answer would go straight to the caller, unrecognised.
        "iptables": {"masqueradeAll": True, "minSyncPeriod": "100ms"},
        # The connection tracking table is the machine's: left as it is.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def containerd(instance: Instance, snapshotter: str, cni_binaries: Path) -> str:
    return f"""version = 3
root = "{instance.directory}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.tracing", "io.containerd.nri.v1.nri"]

[plugins."io.containerd.internal.v1.opt"]
path = "{instance.directory}/opt"

[grpc]
address = "{CONTAINERD_SOCKET}"

[plugins."io.containerd.cri.v1.images"]
snapshotter = "{snapshotter}"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{PAUSE}"
[plugins."io.containerd.cri.v1.images".registry]
config_path = "{instance.directory}/registries"

[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["{cni_binaries}"]
conf_dir = "{instance.directory}/config/cni"
[plugins."io.containerd.cri.v1.runtime".containerd]
default_runtime_name = "runc"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
SystemdCgroup = false
"""


def cni(instance: Instance) -> dict[str, object]:
    """Pods sit on one bridge. Their only route beyond it leads to the instance's own network: no default."""
    at = instance.addresses
    return {
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "pods",
                "isGateway": True,
                "isDefaultGateway": False,
                "ipMasq": False,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "dataDir": "/run/cni",
                    "ranges": [[{"subnet": str(at.pods), "gateway": str(at.node)}]],
                    "routes": [{"dst": str(at.network), "gw": str(at.node)}],
                },
            }
        ],
    }


def corefile(instance: Instance) -> str:
    """Only the cluster's names; everything else does not exist, and the answer says so at once."""
    return f"""cluster.local:53 in-addr.arpa:53 {{
    bind {instance.addresses.node}
    errors
    prometheus {instance.addresses.node}:9153
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {instance.directory}/pki/coredns.kubeconfig
        pods insecure
        ttl 1
    }}
}}
.:53 {{
    bind {instance.addresses.node}
    health 127.0.0.1:8080
    template ANY ANY . {{
        rcode NXDOMAIN
    }}
}}
"""


def _json(value: object) -> str:
    return json.dumps(value, indent=1)
