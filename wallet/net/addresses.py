"""Which addresses a peer may send the wallet to: public ones, and loopback where it is allowed.

A list of our own: `ipaddress.is_global` changes with Python and takes NAT64, 6to4 and multicast for
public.
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from wallet.urls import is_loopback

Address = IPv4Address | IPv6Address

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_SPECIAL: Final = tuple(
    ip_network(network)
    for network in (
        # IANA IPv4 Special-Purpose Address Registry (RFC 6890), multicast (RFC 5771)
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        # what is special within 2000::/3: Teredo and other protocols, documentation, 6to4
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)


class ForbiddenAddress(Exception):  # noqa: N818 - told to the holder as `forbidden_address`
    """A host that is not on the public internet; the text says which address it has."""


def is_public(address: Address) -> bool:
    """Whether `address` is a host's on the public internet.

    An IPv4 address within an IPv6 one is judged as what it is: mapped (RFC 4291, section 2.5.5.2)
    or behind NAT64 (RFC 6052), as the resolver of a network without IPv4 gives it.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address not in _GLOBAL_UNICAST:
            return False
    return not any(address in network for network in _SPECIAL)


def judge(host: str, address: Address, *, loopback: bool) -> None:
    """Let `address` pass as one of `host`'s, or not.

    Args:
        host: As it stands in the URL.
        address: What it is, or was resolved to.
        loopback: Whether this computer's own addresses are allowed.

    Raises:
        ForbiddenAddress: It is not public; or the host is called loopback and is not.
    """
    plain = getattr(address, "ipv4_mapped", None) or address
    allowed = loopback if plain.is_loopback else is_public(address) and not is_loopback(host)
    if not allowed:
        message = f"{host[:100]} is {address}"
        raise ForbiddenAddress(message)


def spelled(host: str) -> Address | None:
    """The address that `host` spells, in any way the system takes it ("127.1", "0x7f000001")."""
    try:
        found = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
        return ip_address(found[0][4][0])
    except (OSError, ValueError):
        return None


async def resolve(host: str, port: int) -> tuple[Address, ...]:
    """Every address of `host`, best first (RFC 6724), each once. Raises `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(ip_address(entry[4][0]) for entry in found))
