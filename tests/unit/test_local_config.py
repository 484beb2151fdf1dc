"""What the local cluster's programs are told."""

import json
from pathlib import Path

import pytest

from deploy.local import components, config, kwok, metrics, pki, versions
from deploy.local.instance import Instance, Options, load
from tests.support import rights

CONTROL_PLANE = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]
PROGRAMS = {part: Path(f"/bin/{part}") for part in versions.PARTS}


def instance(**options) -> Instance:
    return Instance("one", 5, Options(**options))


def test_every_part_has_a_pinned_version():
    assert versions.version_of("kubernetes").startswith("v1.")
    assert all(versions.version_of(part)[1].isdigit() for part in PROGRAMS)


def test_a_kubelet_works_on_both_versions_of_control_groups_and_never_collects_images():
    said = config.kubelet(instance())
    assert (said["failCgroupV1"], said["cgroupDriver"], said["cgroupRoot"]) == (False, "cgroupfs", "/taas-local-one")
    assert said["imageGCHighThresholdPercent"] == 100
    assert not [value for value in said["evictionHard"].values() if value.endswith("%")]
    assert (said["containerLogMaxSize"], said["containerLogMaxFiles"]) == ("10Mi", 5)


def test_the_size_at_which_logs_rotate_can_be_set():
    assert config.kubelet(instance(log_max_size="1Mi"))["containerLogMaxSize"] == "1Mi"


def test_pods_get_one_route_and_no_default():
    (plugin,) = config.cni(instance())["plugins"]
    assert plugin["ipam"]["routes"] == [{"dst": "10.205.0.0/16", "gw": "10.205.0.1"}]
    assert (plugin["isDefaultGateway"], plugin["ipMasq"]) == (False, False)


def test_the_audit_log_keeps_every_write_and_leaves_out_heartbeats():
    rules = config.audit_policy()["rules"]
    left_out = [rule for rule in rules if rule["level"] == "None"]
    for rule in left_out:
        heartbeat = any(entry["resources"] in (["leases"], ["nodes/status"]) for entry in rule.get("resources", []))
        assert heartbeat or "nonResourceURLs" in rule or set(rule["verbs"]) == {"get", "list", "watch"}
    assert rules[-1] == {"level": "Metadata"}
    # TaaS's own account is a ServiceAccount as well, and what it reads is looked at.
    ours = {"level": "Metadata", "users": [rights.ACCOUNT]}
    reads = next(rule for rule in rules if "system:serviceaccounts" in rule.get("userGroups", []))
    assert rules.index(ours) < rules.index(reads)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"node": False}, ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]),
        (
            {"node": False, "kwok": True},
            ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"],
        ),
    ],
)
def test_a_control_plane_needs_no_node(options, names):
    made = components.components(instance(**options), PROGRAMS)
    assert [component.name for component in made] == names


def test_metrics_server_runs_where_it_is_wanted_and_there_are_pods_to_measure():
    for options, wanted in (({}, False), ({"metrics": True}, True), ({"metrics": True, "node": False}, False)):
        names = [component.name for component in components.components(instance(**options), PROGRAMS)]
        assert ("metrics-server" in names) is wanted


def test_the_api_server_finds_the_metrics_api_by_a_name_that_its_certificate_has():
    this = instance(metrics=True)
    made = metrics.objects(this, b"authority")
    service = made[metrics.APIS]["spec"]["service"]
    assert f"{service['name']}.{service['namespace']}.svc" == metrics.HOST
    (names,) = [identity.names for identity in pki.identities(this) if identity.file == "metrics-server"]
    assert f"DNS:{metrics.HOST}" in names
    (slice_port,) = made[metrics.SLICES]["ports"]
    (component,) = [one for one in components.components(this, PROGRAMS) if one.name == "metrics-server"]
    assert f"--secure-port={slice_port['port']}" in component.argv
    assert f"--bind-address={made[metrics.SLICES]['endpoints'][0]['addresses'][0]}" in component.argv


def test_an_instance_keeps_only_what_differs_from_the_default(tmp_path, monkeypatch):
    monkeypatch.setenv("TAAS_CACHE", str(tmp_path))
    this = instance(metrics=True)
    this.save()
    assert json.loads((this.directory / "instance.json").read_text())["options"] == {"metrics": True}
    assert load("one") == this


def test_a_component_only_reads_files_that_are_written_and_nothing_listens_on_every_address():
    this = instance(kwok=True, metrics=True)
    written = config.files(this, snapshotter="overlayfs", cni_binaries=Path("/cni"))
    for component in components.components(this, PROGRAMS):
        assert set(component.reads) <= set(written)
        assert "0.0.0.0" not in " ".join(component.argv)
    assert not [name for name, text in written.items() if "0.0.0.0" in text]


@pytest.mark.parametrize("name", ["kube-controller-manager", "kube-scheduler"])
def test_the_controllers_may_ask_often(name):
    (argv,) = [each.argv for each in components.components(instance(), PROGRAMS) if each.name == name]
    assert {"--kube-api-qps=2000", "--kube-api-burst=2000"} <= set(argv)


def test_every_kubeconfig_that_a_component_uses_is_made():
    this = instance(kwok=True, metrics=True)
    made = {identity.file for identity in pki.identities(this)}
    used = {
        Path(argument.partition("=")[2]).stem
        for component in components.components(this, PROGRAMS)
        for argument in component.argv
        if argument.startswith("--kubeconfig=")
    }
    assert used
    assert used <= made


def test_a_fake_nodes_properties():
    made = kwok.node("fake-0", labels={"zone": "a"}, taints=[], resources={"nvidia.com/gpu": "4", "cpu": "2"})
    assert made["status"]["allocatable"]["nvidia.com/gpu"] == "4"
    assert made["status"]["allocatable"]["cpu"] == "2"
    assert made["metadata"]["labels"]["zone"] == "a"


def test_another_wish_makes_another_fake_node():
    wish = {"labels": {}, "taints": [], "resources": {}}
    one, same = kwok.node("a", **wish), kwok.node("a", **wish)
    other = kwok.node("a", **(wish | {"labels": {"zone": "b"}}))
    mark = kwok.MADE_OF
    assert one["metadata"]["annotations"][mark] == same["metadata"]["annotations"][mark]
    assert one["metadata"]["annotations"][mark] != other["metadata"]["annotations"][mark]


@pytest.mark.parametrize(
    ("text", "taint"),
    [
        ("gpu=yes:NoSchedule", {"key": "gpu", "value": "yes", "effect": "NoSchedule"}),
        ("gpu:NoExecute", {"key": "gpu", "value": "", "effect": "NoExecute"}),
    ],
)
def test_taints(text, taint):
    assert kwok.parse_taint(text) == taint


@pytest.mark.parametrize("text", ["gpu", "gpu=yes", ":NoSchedule", "gpu:Never"])
def test_unusable_taints_are_refused(text):
    with pytest.raises(ValueError, match="key=value:NoSchedule"):
        kwok.parse_taint(text)


def test_the_fake_kubelets_configuration_is_a_stream_of_stages():
    text = config.files(instance(), snapshotter="overlayfs", cni_binaries=Path("/cni"))["kwok.json"]
    stages = [json.loads(part) for part in text.split("\n---\n")]
    assert {stage["kind"] for stage in stages} == {"Stage"}
    assert "pod-complete" not in {stage["metadata"]["name"] for stage in stages}
