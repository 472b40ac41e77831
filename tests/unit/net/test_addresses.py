"""Which addresses are public, and which spellings are addresses."""

from ipaddress import IPv4Address, ip_address, ip_network

import pytest

from tests.support.internet import internet
from wallet.net.addresses import ForbiddenAddress, is_public, judge, resolve, spelled

SPECIAL = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
    *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    *("::/8", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32", "2002::/16"),
    *("3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
]


@pytest.mark.parametrize("network", SPECIAL)
def test_special_networks_from_end_to_end(network: str) -> None:
    block = ip_network(network)
    for address in (block[0], block[1], block[block.num_addresses // 2], block[-1]):
        assert not is_public(address), address
        if isinstance(address, IPv4Address):
            assert not is_public(ip_address(f"::ffff:{address}"))
            assert not is_public(ip_address(f"64:ff9b::{address}"))


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.0.0.1"),
        *("128.0.0.1", "169.253.0.1", "172.15.0.1", "172.32.0.1", "192.167.0.1", "198.17.0.1"),
        *("198.20.0.1", "223.255.255.255", "2000::1", "2001:200::1", "2606:4700::1111"),
        *("2a00:1450:4001:80b::200e", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"),
    ],
)
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))
    judge("issuer.example", ip_address(address), loopback=False)
    judge("issuer.example", ip_address(address), loopback=True)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_for_development(address: str) -> None:
    judge("localhost", ip_address(address), loopback=True)
    judge("issuer.example", ip_address(address), loopback=True)
    with pytest.raises(ForbiddenAddress, match=f"issuer.example is {ip_address(address)}"):
        judge("issuer.example", ip_address(address), loopback=False)


@pytest.mark.parametrize("address", ["0.0.0.0", "10.0.0.1", "192.168.0.1", "64:ff9b::127.0.0.1"])
@pytest.mark.parametrize("loopback", [True, False])
def test_private_addresses_are_never_allowed(address: str, loopback: bool) -> None:
    with pytest.raises(ForbiddenAddress):
        judge("issuer.example", ip_address(address), loopback=loopback)


def test_a_host_called_loopback_must_be_it() -> None:
    with pytest.raises(ForbiddenAddress):  # plain http goes there
        judge("localhost", ip_address("93.184.216.34"), loopback=True)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        *[(host, "127.0.0.1") for host in ("127.0.0.1", "127.1", "2130706433", "0x7f000001")],
        *[(host, "127.0.0.1") for host in ("0177.0.0.1", "0x7f.1", "017700000001", "127.0.1")],
        *[("0", "0.0.0.0"), ("::1", "::1"), ("192.168.257", "192.168.1.1")],
        *[(host, None) for host in ("", "localhost", "a.example", "127.0.0.1.example", "1.2.3.4.")],
        *[(host, None) for host in ("a" * 70, "127.0.0.1%00", "[::1]", "٣.3.3.3", "\ud800")],
    ],
)
def test_what_spells_an_address(host: str, address: str | None) -> None:
    with internet() as net:
        assert spelled(host) == (ip_address(address) if address else None)
    assert net.look_ups == []  # nobody was asked


async def test_every_address_of_a_name_once_and_in_order() -> None:
    with internet() as net:
        net.names["many.test"] = [["2606:4700::1111", "1.1.1.1", "1.1.1.1"]]
        found = await resolve("many.test", 443)
        assert [str(address) for address in found] == ["2606:4700::1111", "1.1.1.1"]
        with pytest.raises(OSError, match="not known"):
            await resolve("nobody.test", 443)
