"""Which addresses an instance has. Pure: a slot number decides all of them.

Each instance owns one /16: pods, fake pods, services and the link to the machine. One route on the machine leads to it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

SLOTS = 32
FIRST_OCTET = 200
NAME = re.compile(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?")


@dataclass(frozen=True)
class Addresses:
    slot: int

    @property
    def network(self) -> IPv4Network:
        return IPv4Network(f"10.{FIRST_OCTET + self.slot}.0.0/16")

    @property
    def pods(self) -> IPv4Network:
        """Real pods, on the instance's bridge."""
        return self._part("0.0/18")

    @property
    def fake_pods(self) -> IPv4Network:
        """Pods of fake nodes: addresses that nothing answers."""
        return self._part("64.0/18")

    @property
    def services(self) -> IPv4Network:
        return self._part("128.0/18")

    @property
    def node(self) -> IPv4Address:
        """The bridge: the node's own address, and where the API server and the DNS listen."""
        return self.pods[1]

    @property
    def host(self) -> IPv4Address:
        """The machine, as pods see it."""
        return self._part("255.0/30")[1]

    @property
    def gateway(self) -> IPv4Address:
        """The instance's end of the link: the machine routes the whole network to it."""
        return self._part("255.0/30")[2]

    @property
    def link(self) -> str:
        """The name of the machine's end of the link (at most 15 characters)."""
        return f"taas-local{self.slot}"

    def _part(self, rest: str) -> IPv4Network:
        return IPv4Network(f"10.{FIRST_OCTET + self.slot}.{rest}")


def check_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(
            f"The instance name {name!r} is not usable: up to 20 lower-case letters, digits and dashes, a letter first."
        )
    return name


def choose_slot(taken: Iterable[int], routes: Iterable[IPv4Network]) -> int:
    """The first free slot whose network touches no route of the machine; `LookupError` when there is none.

    A wider route (a VPN's 10.0.0.0/8) is accepted only when no slot lies outside of it: ours is more specific and wins.
    """
    occupied = set(taken)
    known = [route for route in routes if route.prefixlen > 0]
    free = [slot for slot in range(SLOTS) if slot not in occupied]
    for slot in free:
        if not any(route.overlaps(Addresses(slot).network) for route in known):
            return slot
    for slot in free:
        if not any(route.subnet_of(Addresses(slot).network) for route in known):
            return slot
    raise LookupError(
        f"No address range is free: every 10.{FIRST_OCTET}.0.0/16 to 10.{FIRST_OCTET + SLOTS - 1}.0.0/16 "
        "is taken by an instance or a route of this machine (see `ip route`)."
    )
