"""Whatever a peer writes, the edge of the network ends in a value or in one of our own errors."""

from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.answers import answer
from wallet.errors import WalletError
from wallet.net.addresses import ForbiddenAddress, is_public, judge, spelled
from wallet.net.connections import tls_context
from wallet.net.http import GuardedHttp
from wallet.net.pictures import data_uri_bytes
from wallet.oauth.clock import asked_to_wait, time_at
from wallet.trace import Trace

any_text = st.text(st.characters(), max_size=60)
HTTP = GuardedHttp(1, ("en",), Trace(), tls=tls_context(None))


@given(any_text | any_text.map(lambda text: f"https://{text}"))
def test_any_text_for_an_address_to_check(text: str) -> None:
    with suppress(WalletError):
        HTTP.check(text)


@given(st.ip_addresses() | any_text.map(spelled))
def test_any_address(address: IPv4Address | IPv6Address | None) -> None:
    if address is not None and not is_public(address):
        with pytest.raises(ForbiddenAddress):
            judge("issuer.example", address, loopback=False)


@given(st.ip_addresses(v=4))
def test_an_address_is_the_same_within_another(address: IPv4Address) -> None:
    for within in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert is_public(IPv6Address(within)) is is_public(address)


@given(any_text, any_text | st.integers(0).map(str))
def test_any_headers_about_time(date: str, wait: str) -> None:
    response = answer(b"", 429, "", date=date, retry_after=wait)
    with suppress(WalletError):
        time_at(response, datetime.now(UTC))
    asked_to_wait(response)


@given(any_text | any_text.map(lambda text: f"data:image/png;base64,{text}"))
def test_any_text_for_a_picture(text: str) -> None:
    data_uri_bytes(text)
