"""Which addresses a peer may send the wallet to."""

import pytest

from wallet.errors import PeerBrokeProtocol
from wallet.urls import host_of, is_loopback, read_identifier, read_url, well_known, without_query


@pytest.mark.parametrize(
    "url",
    [
        "https://issuer.example",
        "https://issuer.example:8443/a/b?c=d",
        "HTTPS://Issuer.Example/",
        "https://192.0.2.1/",
        "https://[2001:db8::1]/",
        "http://127.0.0.1:8080/a",
        "http://127.8.8.8/",
        "http://[::1]:8080/",
        "http://localhost:8080/",
        "http://LOCALHOST/",
        "https://xn--bcher-kva.example/",
    ],
)
def test_addresses_that_may_be_used(url: str) -> None:
    assert read_url(url).hostname


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://issuer.example", "insecure_url"),
        ("http://192.168.0.1/", "insecure_url"),
        ("http://localhost.example/", "insecure_url"),
        ("http://127.0.0.1.example/", "insecure_url"),
        ("http://127.1/", "insecure_url"),
        ("http://2130706433/", "insecure_url"),
        ("http://0x7f000001/", "insecure_url"),
        ("http://0/", "insecure_url"),
        ("http://0.0.0.0/", "insecure_url"),
        ("http://127。0。0。1/", "insecure_url"),
        ("http://a\x1bb.example/", "insecure_url"),
        ("file:///etc/passwd", "insecure_url"),
        ("ftp://issuer.example/", "insecure_url"),
        ("javascript:alert(1)", "insecure_url"),
        ("data:text/plain,x", "insecure_url"),
        ("//issuer.example/", "insecure_url"),
        ("issuer.example", "insecure_url"),
        ("", "insecure_url"),
        ("https://", "insecure_url"),
        ("https:///path", "insecure_url"),
        ("https:issuer.example", "insecure_url"),
        ("https://issuer.example/a b", "insecure_url"),
        ("https://issuer.example\\@evil.example", "insecure_url"),
        ("https://bücher.example/", "insecure_url"),
        ("https://issuer.example/ä", "insecure_url"),
        ("https://issuer.example/\x00", "insecure_url"),
        ("https://\ud800.example/", "insecure_url"),
        ("https://issuer.example@evil.example/", "response_malformed"),
        ("http://localhost:80@evil.example/", "insecure_url"),
        ("https://a:b@issuer.example/", "response_malformed"),
        ("https://issuer.example/#", "response_malformed"),
        ("https://issuer.example/#a", "response_malformed"),
        ("https://issuer.example:99999/", "response_malformed"),
        ("https://issuer.example:a/", "response_malformed"),
        ("https://[::1/", "response_malformed"),
        ("http://[::1].evil.example/", "response_malformed"),  # Python reads the host as ::1
        ("https://[::1].evil.example:443/", "response_malformed"),
        ("https://evil.example[::1]/", "response_malformed"),
    ],
)
def test_addresses_that_may_not(url: str, code: str) -> None:
    with pytest.raises(PeerBrokeProtocol) as caught:
        read_url(url)
    assert caught.value.code == code
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("url", ["https://issuer.example?", "https://issuer.example/a?b=c"])
def test_an_identifier_has_no_query(url: str) -> None:
    read_url(url)
    with pytest.raises(PeerBrokeProtocol) as caught:
        read_identifier(url)
    assert caught.value.code == "response_malformed"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Issuer.Example/a", "issuer.example"),
        ("https://issuer.example:443/", "issuer.example"),
        ("https://issuer.example:8443/", "issuer.example:8443"),
        ("http://localhost:80/", "localhost"),
        ("http://[::1]:8080/", "[::1]:8080"),
        ("https://xn--80ak6aa92e.com/", "xn--80ak6aa92e.com"),
    ],
)
def test_the_host_as_a_person_reads_it(url: str, host: str) -> None:
    assert host_of(url) == host


def test_well_known_paths_are_inserted() -> None:
    assert well_known("https://a.example/b/", "x") == "https://a.example/.well-known/x/b/"
    assert well_known("https://A.example:1", "x") == "https://A.example:1/.well-known/x"


def test_what_may_be_recorded_of_a_url() -> None:
    assert without_query("https://a.example/b?code=c#d") == "https://a.example/b"
    assert without_query("https://a.example/b#d?e") == "https://a.example/b"
    assert len(without_query("https://a.example/" + "b" * 500)) == 200


@pytest.mark.parametrize(
    ("host", "is_it"),
    [("localhost", True), ("127.0.0.1", True), ("::1", True), ("128.0.0.1", False), ("", False),
     ("loopback", False), ("[::1]", False), ("::ffff:192.0.2.1", False)],
)  # fmt: skip
def test_loopback(host: str, is_it: bool) -> None:
    assert is_loopback(host) is is_it
