"""Addresses of the local cluster's instances."""

from ipaddress import IPv4Network

import pytest

from deploy.local.slots import SLOTS, Addresses, check_name, choose_slot


def test_the_parts_of_a_slot_lie_in_its_network_and_do_not_overlap():
    at = Addresses(3)
    parts = [at.pods, at.fake_pods, at.services, IPv4Network(f"{at.host}/30", strict=False)]
    assert all(part.subnet_of(at.network) for part in parts)
    assert not any(one.overlaps(other) for one in parts for other in parts if one is not other)
    assert at.node in at.pods
    assert at.host != at.gateway


def test_the_networks_of_two_slots_do_not_overlap():
    networks = [Addresses(slot).network for slot in range(SLOTS)]
    assert len(set(networks)) == SLOTS
    assert not any(one.overlaps(other) for one in networks for other in networks if one is not other)


def test_link_names_fit_the_kernels_limit():
    assert max(len(Addresses(slot).link) for slot in range(SLOTS)) <= 15


@pytest.mark.parametrize(
    ("taken", "routes", "expected"),
    [
        ([], [], 0),
        ([0, 1], ["192.168.0.0/24"], 2),
        ([], ["10.200.7.0/24"], 1),
        ([0], ["10.201.0.0/16", "10.202.0.0/15"], 4),
        ([], ["10.0.0.0/8"], 0),  # a VPN: ours is more specific
        ([], ["10.0.0.0/8", "10.200.1.0/24"], 1),
        ([], ["0.0.0.0/0"], 0),
    ],
)
def test_a_slot_is_chosen_that_touches_nothing(taken, routes, expected):
    assert choose_slot(taken, [IPv4Network(route) for route in routes]) == expected


def test_no_free_slot_is_an_error_that_says_where_to_look():
    with pytest.raises(LookupError, match="ip route"):
        choose_slot(range(SLOTS), [])


@pytest.mark.parametrize("name", ["run", "test", "a", "dev-2", "a" * 20])
def test_names(name):
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "Run", "2x", "a_b", "a" * 21, "x-", "../etc", "a/b"])
def test_unusable_names_are_refused(name):
    with pytest.raises(ValueError, match="not usable"):
        check_name(name)
