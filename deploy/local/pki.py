"""The instance's own certificate authority, made with openssl: who may talk to whom inside it."""

import base64
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.local import metrics
from deploy.local.instance import Instance

DAYS = "3650"
FRONT_PROXY = "front-proxy"


@dataclass(frozen=True)
class Identity:
    file: str
    user: str
    group: str = ""
    names: tuple[str, ...] = ()  # for servers


def identities(instance: Instance) -> list[Identity]:
    at = instance.addresses
    service = ("DNS:kubernetes", "DNS:kubernetes.default", "DNS:kubernetes.default.svc")
    return [
        Identity(
            "apiserver",
            "kube-apiserver",
            names=(*service, "DNS:localhost", f"IP:{at.node}", f"IP:{at.services[1]}", "IP:127.0.0.1"),
        ),
        Identity("apiserver-to-kubelet", "kube-apiserver-kubelet-client", "system:masters"),
        Identity("admin", "local-admin", "system:masters"),
        Identity("controller-manager", "system:kube-controller-manager"),
        Identity("scheduler", "system:kube-scheduler"),
        Identity("proxy", "system:kube-proxy"),
        Identity("coredns", "coredns", "system:masters"),
        Identity("kwok", "kwok", "system:masters"),
        # The API server shows this one when it passes a request on for somebody.
        Identity("front-proxy", FRONT_PROXY),
        Identity(
            "metrics-server",
            "metrics-server",
            "system:masters",
            names=(f"DNS:{metrics.HOST}", f"IP:{at.node}"),
        ),
        Identity(
            "kubelet",
            f"system:node:{instance.node_name}",
            "system:nodes",
            names=(f"DNS:{instance.node_name}", f"IP:{at.node}"),
        ),
    ]


def directory(instance: Instance) -> Path:
    return instance.directory / "pki"


def ensure(instance: Instance) -> None:
    """Make what is missing; the authority is made once, so that kubeconfigs stay valid over restarts."""
    where = directory(instance)
    where.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (where / "ca.crt").exists():
        _make_authority(where)
    if not (where / "service-accounts.key").exists():
        key = where / "service-accounts.key"
        _openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key)
        _openssl("pkey", "-in", where / "service-accounts.key", "-pubout", "-out", where / "service-accounts.pub")
    for identity in identities(instance):
        if not (where / f"{identity.file}.crt").exists():
            _make_certificate(where, identity)
        _write_kubeconfig(instance, identity)
    instance.kubeconfig.write_text((where / "admin.kubeconfig").read_text())
    instance.kubeconfig.chmod(0o600)


def kubeconfig(*, name: str, server: str, authority: bytes, certificate: bytes, key: bytes) -> str:
    def text(data: bytes) -> str:
        return base64.b64encode(data).decode()

    return f"""apiVersion: v1
kind: Config
clusters:
- name: {name}
  cluster: {{server: "{server}", certificate-authority-data: {text(authority)}}}
users:
- name: {name}
  user: {{client-certificate-data: {text(certificate)}, client-key-data: {text(key)}}}
contexts:
- name: {name}
  context: {{cluster: {name}, user: {name}}}
current-context: {name}
"""


def _write_kubeconfig(instance: Instance, identity: Identity) -> None:
    where = directory(instance)
    file = where / f"{identity.file}.kubeconfig"
    file.touch(mode=0o600)
    file.write_text(
        kubeconfig(
            name=f"taas-local-{instance.name}",
            server=instance.server,
            authority=(where / "ca.crt").read_bytes(),
            certificate=(where / f"{identity.file}.crt").read_bytes(),
            key=(where / f"{identity.file}.key").read_bytes(),
        )
    )


def _make_authority(where: Path) -> None:
    settings = where / "ca.conf"
    settings.write_text(
        "[req]\ndistinguished_name=name\nx509_extensions=authority\nprompt=no\n[name]\nCN=taas-local\n"
        "[authority]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign,digitalSignature\n"
        "subjectKeyIdentifier=hash\n"
    )
    # fmt: off
    _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", DAYS,
             "-config", settings, "-keyout", where / "ca.key", "-out", where / "ca.crt.new")
    # fmt: on
    (where / "ca.crt.new").replace(where / "ca.crt")


def _make_certificate(where: Path, identity: Identity) -> None:
    stem = where / identity.file
    extensions = stem.with_suffix(".ext")
    names = f"subjectAltName={','.join(identity.names)}\n" if identity.names else ""
    extensions.write_text(
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth,serverAuth\n"
        f"subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n{names}"
    )
    subject = (f"/O={identity.group}" if identity.group else "") + f"/CN={identity.user}"
    # fmt: off
    _openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", subject,
             "-keyout", stem.with_suffix(".key"), "-out", stem.with_suffix(".csr"))
    _openssl("x509", "-req", "-in", stem.with_suffix(".csr"), "-CA", where / "ca.crt", "-CAkey", where / "ca.key",
             "-set_serial", f"0x{_serial()}", "-days", DAYS, "-extfile", extensions, "-out", stem.with_suffix(".new"))
    # fmt: on
    stem.with_suffix(".new").replace(stem.with_suffix(".crt"))


def _serial() -> str:
    return Path("/proc/sys/kernel/random/uuid").read_text().strip().replace("-", "")


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]} failed: {done.stderr.strip()}")
