"""The programs of an instance: in which order they start, with which arguments. Pure."""

from dataclasses import dataclass
from pathlib import Path

from deploy.local import kwok, metrics, pki
from deploy.local.instance import Instance


@dataclass(frozen=True)
class Component:
    name: str
    argv: list[str]
    probe: str  # a URL that answers 200 inside the instance, or unix:PATH that accepts a connection
    search: tuple[Path, ...] = ()  # directories put before PATH
    reads: tuple[str, ...] = ()  # configuration files, under the instance's `config/`
    early: bool = False  # the others only start when it is healthy
    grace: float = 10.0  # seconds between the request to end and the kill


def components(instance: Instance, programs: dict[str, Path]) -> list[Component]:
    """`programs` maps a part of the build to the directory with its binaries."""
    chosen = [_etcd, _apiserver, _controller_manager, _scheduler]
    if instance.options.node:
        chosen += [_containerd, _coredns, _kubelet, _proxy]
    if instance.measured:
        chosen.append(_metrics_server)
    if instance.options.kwok:
        chosen.append(_kwok)
    return [make(instance, programs) for make in chosen]


def _etcd(instance: Instance, programs: dict[str, Path]) -> Component:
    argv = [
        f"{programs['etcd']}/server",
        f"--data-dir={instance.directory}/etcd",
        "--listen-client-urls=http://127.0.0.1:2379",
        "--advertise-client-urls=http://127.0.0.1:2379",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--quota-backend-bytes=4294967296",
        "--auto-compaction-retention=1h",
        "--log-level=warn",
    ]
    return Component("etcd", argv, "http://127.0.0.1:2379/health", early=True)


def _apiserver(instance: Instance, programs: dict[str, Path]) -> Component:
    at, certificates = instance.addresses, instance.directory / "pki"
    argv = [
        f"{programs['kubernetes']}/kube-apiserver",
        "--etcd-servers=http://127.0.0.1:2379",
        f"--bind-address={at.node}",
        f"--advertise-address={at.node}",
        "--secure-port=6443",
        f"--service-cluster-ip-range={at.services}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--client-ca-file={certificates}/ca.crt",
        f"--tls-cert-file={certificates}/apiserver.crt",
        f"--tls-private-key-file={certificates}/apiserver.key",
        f"--kubelet-client-certificate={certificates}/apiserver-to-kubelet.crt",
        f"--kubelet-client-key={certificates}/apiserver-to-kubelet.key",
        f"--kubelet-certificate-authority={certificates}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={certificates}/service-accounts.pub",
        f"--service-account-signing-key-file={certificates}/service-accounts.key",
        f"--audit-policy-file={instance.directory}/config/audit-policy.json",
        f"--audit-log-path={instance.audit_log}",
        "--audit-log-maxsize=1024",
        "--audit-log-maxbackup=1",
        # For APIs that others serve, such as metrics.k8s.io. The authority also signs clients, so the name decides.
        f"--requestheader-client-ca-file={certificates}/ca.crt",
        f"--requestheader-allowed-names={pki.FRONT_PROXY}",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={certificates}/front-proxy.crt",
        f"--proxy-client-key-file={certificates}/front-proxy.key",
        "--enable-aggregator-routing=true",
    ]
    return Component(
        "kube-apiserver", argv, f"{instance.server}/readyz", reads=("audit-policy.json",), early=True, grace=4.0
    )


def _controller_manager(instance: Instance, programs: dict[str, Path]) -> Component:
    pki = instance.directory / "pki"
    argv = [
        f"{programs['kubernetes']}/kube-controller-manager",
        f"--kubeconfig={pki}/controller-manager.kubeconfig",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={pki}/service-accounts.key",
        f"--root-ca-file={pki}/ca.crt",
        # With the default of 20 requests a second a training of 600 tasks takes half a minute to start.
        "--kube-api-qps=2000",
        "--kube-api-burst=2000",
    ]
    return Component("kube-controller-manager", argv, "https://127.0.0.1:10257/healthz")


def _scheduler(instance: Instance, programs: dict[str, Path]) -> Component:
    argv = [
        f"{programs['kubernetes']}/kube-scheduler",
        f"--kubeconfig={instance.directory}/pki/scheduler.kubeconfig",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        "--kube-api-qps=2000",
        "--kube-api-burst=2000",
    ]
    return Component("kube-scheduler", argv, "https://127.0.0.1:10259/healthz")


def _containerd(instance: Instance, programs: dict[str, Path]) -> Component:
    argv = [f"{programs['containerd']}/containerd", f"--config={instance.directory}/config/containerd.toml"]
    probe = "unix:/run/containerd/containerd.sock"
    return Component(
        "containerd", argv, probe, search=(programs["containerd"],), reads=("containerd.toml",), early=True
    )


def _coredns(instance: Instance, programs: dict[str, Path]) -> Component:
    argv = [f"{programs['coredns']}/coredns", "-conf", f"{instance.directory}/config/Corefile"]
    return Component("coredns", argv, "http://127.0.0.1:8080/health", reads=("Corefile",), grace=6.0)


def _kubelet(instance: Instance, programs: dict[str, Path]) -> Component:
    argv = [
        f"{programs['kubernetes']}/kubelet",
        f"--config={instance.directory}/config/kubelet.json",
        f"--kubeconfig={instance.directory}/pki/kubelet.kubeconfig",
        f"--root-dir={instance.directory}/kubelet",
        f"--hostname-override={instance.node_name}",
        f"--node-ip={instance.addresses.node}",
    ]
    return Component("kubelet", argv, "http://127.0.0.1:10248/healthz", reads=("kubelet.json",))


def _proxy(instance: Instance, programs: dict[str, Path]) -> Component:
    argv = [f"{programs['kubernetes']}/kube-proxy", f"--config={instance.directory}/config/proxy.json"]
    return Component("kube-proxy", argv, "http://127.0.0.1:10256/healthz", reads=("proxy.json",))


def _metrics_server(instance: Instance, programs: dict[str, Path]) -> Component:
    node, pki = instance.addresses.node, instance.directory / "pki"
    kubeconfig = f"{pki}/metrics-server.kubeconfig"
    argv = [
        f"{programs['metrics-server']}/metrics-server",
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--bind-address={node}",
        f"--secure-port={metrics.PORT}",
        f"--tls-cert-file={pki}/metrics-server.crt",
        f"--tls-private-key-file={pki}/metrics-server.key",
        f"--kubelet-certificate-authority={pki}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
        "--kubelet-use-node-status-port",  # fake nodes have the same address as the real one
        "--metric-resolution=10s",  # the shortest that it takes; longer than it waits for a kubelet
        "--kubelet-request-timeout=5s",
    ]
    return Component("metrics-server", argv, f"https://{node}:{metrics.PORT}/livez")


def _kwok(instance: Instance, programs: dict[str, Path]) -> Component:
    node, pki = instance.addresses.node, instance.directory / "pki"
    argv = [
        f"{programs['kwok']}/kwok",
        f"--kubeconfig={pki}/kwok.kubeconfig",
        f"--config={instance.directory}/config/kwok.json",
        "--manage-all-nodes=false",
        f"--manage-nodes-with-annotation-selector={kwok.FAKE}=fake",
        f"--cidr={instance.addresses.fake_pods}",
        f"--node-ip={node}",
        f"--node-port={kwok.KUBELET_PORT}",
        f"--server-address={node}:{kwok.KUBELET_PORT}",
        f"--tls-cert-file={pki}/kubelet.crt",
        f"--tls-private-key-file={pki}/kubelet.key",
        "--node-lease-duration-seconds=0",
        "--v=WARN",
    ]
    return Component("kwok", argv, f"https://{node}:{kwok.KUBELET_PORT}/healthz", reads=("kwok.json",))
