"""Which addresses a webhook may call: public ones, and the networks that the operator has named.

Everything that leads elsewhere than it seems (an IPv4 address inside of an IPv6 one, translation, tunnels) is refused
too: what is behind it cannot be seen from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Beyond what the standard library takes for not global.
_DETOURS: tuple[Network, ...] = tuple(
    ip_network(network)
    for network in (
        "100.64.0.0/10",  # shared by providers' customers
        "192.0.0.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "::/96",  # IPv4 in IPv6, the oldest form
        "::ffff:0:0/96",  # IPv4 in IPv6
        "::ffff:0:0:0/96",  # translated IPv4
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64 within a network
        "2001::/23",  # Teredo and others of the kind
        "2002::/16",  # 6to4
        "fec0::/10",  # site-local, as it once was
    )
)


def may_call(address: Address, allowed: Sequence[Network] = ()) -> bool:
    """Whether a webhook may connect to `address`."""
    if any(address in network for network in allowed if network.version == address.version):
        return True
    if any(address in network for network in _DETOURS if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def literal(host: str) -> Address | None:
    """The address that a URL's host is; None when it is a name."""
    try:
        return ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
