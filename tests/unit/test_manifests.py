"""Every object of a training, against golden files (`--update-goldens` writes them), and what must always hold."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.domain.project import Framework, Resources, Role, RunSpec
from app.domain.topology import TooMuchToTell
from app.k8s.manifests import Launch, build
from app.k8s.manifests.files import MAP_BYTES, start_script
from tests.support.launches import HOSTILE_ARGS, NFS, launch, launches, parameter_servers

GOLDENS = Path(__file__).parent.parent / "data" / "goldens"


@pytest.mark.parametrize("name", launches())
def test_the_objects_are_as_the_golden_file_says(name: str, request: pytest.FixtureRequest) -> None:
    text = as_yaml([without_script(manifest) for manifest in build(launches()[name]).in_order()])
    golden = GOLDENS / f"{name}.yaml"
    if request.config.getoption("--update-goldens"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_every_golden_file_belongs_to_a_launch() -> None:
    assert {path.stem for path in GOLDENS.glob("*.yaml")} == set(launches())


def test_the_number_of_objects_depends_on_roles_and_storages_only() -> None:
    for tasks in (1, 1_000):
        run = RunSpec(Framework.TENSORFLOW, "image", {"worker": Role(tasks), "ps": Role(2)}, secret_env=("KEY",))
        objects = build(
            launch(
                "big",
                run,
                bundle=bytes(4 * 1024 * 1024),
                storage=NFS,
                secret_env={"KEY": "value"},
                pull_secret={"auths": {}},
            )
        )
        written = list(objects.in_order())
        assert len(objects.config_maps) == 5
        assert len(written) == 9 + len(run.roles) + 2 * 1
        assert len({(manifest["kind"], manifest["metadata"]["name"]) for manifest in written}) == len(written)


@pytest.mark.parametrize("size", [1, MAP_BYTES - 1, MAP_BYTES, 3 * MAP_BYTES + 5, 4 * 1024 * 1024])
def test_the_code_arrives_in_order_whatever_its_size(size: int) -> None:
    bundle = bytes(index * 7 % 251 for index in range(size))
    objects = build(launch("code", RunSpec(Framework.PLAIN, "image", {"worker": Role()}), bundle=bundle))
    files = projected(objects.jobs["worker"], objects.config_maps)
    parts = sorted(path for path in files if path.startswith("code."))
    assert b"".join(files[path] for path in parts) == bundle
    assert files.keys() - set(parts) == {"start.sh", "env.sh"}
    assert files["start.sh"].decode() == start_script()
    for config_map in objects.config_maps:
        assert config_map["immutable"] is True
        assert sum(len(data) for data in contents(config_map).values()) <= MAP_BYTES


def test_each_role_is_told_its_own_variables() -> None:
    objects = build(parameter_servers())
    for role, job in objects.jobs.items():
        assert f"export TAAS_ROLE='{role}'" in projected(job, objects.config_maps)["env.sh"].decode()


def test_what_does_not_fit_is_refused_with_a_sentence() -> None:
    run = RunSpec(Framework.PLAIN, "image", {"worker": Role()})
    with pytest.raises(TooMuchToTell, match="do not fit into 5 ConfigMaps"):
        build(launch("code", run, bundle=bytes(5 * MAP_BYTES)))


def test_dollars_reach_the_task_as_they_are() -> None:
    args = container(launches()["plain"])["args"]
    assert [text.replace("$$", "$") for text in args] == list(HOSTILE_ARGS)
    assert "$(HOME)" not in args


@pytest.mark.parametrize("name", launches())
def test_every_pod_is_as_harmless_as_it_can_be(name: str) -> None:
    for job in build(launches()[name]).jobs.values():
        pod = job["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert "hostPath" not in str(pod["volumes"])
        for part in pod["containers"]:
            assert part["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            }


def test_memory_is_limited_to_what_is_requested_and_cpu_only_if_asked() -> None:
    given = container(launches()["torch-gpu"])["resources"]
    assert given["requests"] == {"cpu": "2", "memory": "8Gi", "ephemeral-storage": "20Gi", "nvidia.com/gpu": "2"}
    assert given["limits"] == {"cpu": "4", "memory": "8Gi", "ephemeral-storage": "20Gi", "nvidia.com/gpu": "2"}
    assert "cpu" not in container(parameter_servers())["resources"]["limits"]


def test_another_name_for_devices_is_used_throughout() -> None:
    run = RunSpec(Framework.PLAIN, "image", {"worker": Role(1, Resources(gpu=1))})
    pod = build(launch("gpu", run, gpu_resource="amd.com/gpu")).jobs["worker"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"]["limits"]["amd.com/gpu"] == "1"
    assert pod["tolerations"] == [{"key": "amd.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]


def test_secrets_are_in_the_secret_and_nowhere_else() -> None:
    objects = build(launches()["torch-gpu"])
    others = [manifest for manifest in objects.in_order() if manifest["kind"] != "Secret"]
    assert "s3cret" not in as_yaml(others)
    assert base64.b64decode(objects.secrets[0]["data"]["API_KEY"]) == b"s3cret"


def container(of: Launch) -> dict[str, Any]:
    job = next(iter(build(of).jobs.values()))
    found: dict[str, Any] = job["spec"]["template"]["spec"]["containers"][0]
    return found


def projected(job: dict[str, Any], config_maps: tuple[dict[str, Any], ...]) -> dict[str, bytes]:
    """What kubelet would put into /taas/run."""
    by_name = {config_map["metadata"]["name"]: contents(config_map) for config_map in config_maps}
    volume = next(volume for volume in job["spec"]["template"]["spec"]["volumes"] if volume["name"] == "run")
    return {
        item["path"]: by_name[source["configMap"]["name"]][item["key"]]
        for source in volume["projected"]["sources"]
        for item in source["configMap"]["items"]
    }


def contents(config_map: dict[str, Any]) -> dict[str, bytes]:
    texts = {key: text.encode() for key, text in config_map.get("data", {}).items()}
    return texts | {key: base64.b64decode(text) for key, text in config_map.get("binaryData", {}).items()}


def without_script(manifest: dict[str, Any]) -> dict[str, Any]:
    """start.sh has tests of its own; repeating it in every golden file would hide what matters in them."""
    if "start.sh" not in manifest.get("data", {}):
        return manifest
    return manifest | {"data": manifest["data"] | {"start.sh": "(app/k8s/manifests/start.sh)"}}


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if text.count("\n") > 1 else None)


_Dumper.add_representer(str, _text)


def as_yaml(manifests: list[dict[str, Any]]) -> str:
    return yaml.dump_all(manifests, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
