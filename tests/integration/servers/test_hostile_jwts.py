"""JWTs that nobody in their right mind sends, at every place that takes one."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from tests.integration.servers.peers import (
    ASSERTION_TYPE,
    CLIENT_KEY,
    Issuer,
    Provider,
    Wallet,
    authorization_server,
)
from tests.support.reference_servers import ReferenceServers


@pytest.fixture(scope="module")
def server(
    issuer: Issuer, provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ReferenceServers]:
    anchors = str(provider.file)
    folder = tmp_path_factory.mktemp("server")
    with authorization_server(folder, issuer, client_attestation_anchors_file=anchors) as both:
        yield both


@pytest.fixture
def wallet(server: ReferenceServers, provider: Provider) -> Wallet:
    one = Wallet(server, "attested")
    one.provider, one.dpop_key = provider, ECKey.generate_key("P-256")
    return one


def b64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def raw(header: bytes, payload: bytes, signature: bytes = b"x" * 64) -> str:
    return ".".join(map(b64url, (header, payload, signature)))


DEEP = b"[" * 3000 + b"]" * 3000
HOSTILE: dict[str, str] = {
    "dots": "..",
    "many dots": "." * 50,
    "no base64": "!.!.!",
    "header no JSON": raw(b"{", b"{}"),
    "header no object": raw(b"[]", b"{}"),
    "header text": raw(b'"alg"', b"{}"),
    "header number": raw(b"1", b"{}"),
    "header null": raw(b"null", b"{}"),
    "header deep": raw(b'{"alg":"ES256","x":' + DEEP + b"}", b"{}"),
    "alg list": raw(b'{"alg":["ES256"]}', b"{}"),
    "alg null": raw(b'{"alg":null}', b"{}"),
    "alg none": raw(b'{"alg":"none"}', b"{}", b""),
    "alg nOnE": raw(b'{"alg":"nOnE"}', b"{}", b""),
    "crit": raw(b'{"alg":"ES256","crit":["x"]}', b"{}"),
    "b64": raw(b'{"alg":"ES256","b64":false,"crit":["b64"]}', b"{}"),
    "kid list": raw(b'{"alg":"ES256","kid":["x"]}', b"{}"),
    "payload no JSON": raw(b'{"alg":"ES256"}', b"{"),
    "payload no object": raw(b'{"alg":"ES256"}', b"[]"),
    "payload deep": raw(b'{"alg":"ES256"}', b'{"sub":' + DEEP + b"}"),
    "payload not UTF-8": raw(b'{"alg":"ES256"}', b'{"sub":"\xff"}'),
    "payload half a character": raw(b'{"alg":"ES256"}', b'{"sub":"\\ud800","iss":"\\ud800"}'),
    "payload NUL": raw(b'{"alg":"ES256"}', b'{"sub":"\\u0000","iss":"\\u0000"}'),
    "long number": raw(b'{"alg":"ES256"}', b'{"sub":"keyed","iat":' + b"9" * 5000 + b"}"),
    "x5c numbers": raw(b'{"alg":"ES256","typ":"oauth-client-attestation+jwt","x5c":[1]}', b"{}"),
    "jwk empty": raw(b'{"alg":"ES256","typ":"dpop+jwt","jwk":{}}', b"{}"),
    "jwk numbers": raw(
        b'{"alg":"ES256","typ":"dpop+jwt","jwk":{"kty":"EC","crv":"P-256","x":1,"y":2}}', b"{}"
    ),
    "jwk off the curve": raw(
        b'{"alg":"ES256","typ":"dpop+jwt","jwk":{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}}',
        b"{}",
    ),
    "signature empty": raw(b'{"alg":"ES256"}', b"{}", b""),
    "signature of zeros": raw(b'{"alg":"ES256"}', b'{"sub":"keyed"}', b"\0" * 64),
}


def places(wallet: Wallet, issuer: Issuer) -> dict[str, Callable[[str], httpx.Response]]:
    """Where a JWT is taken."""
    url = wallet.servers.server_url
    keyed = {**wallet.parameters(client_id="keyed"), "client_assertion_type": ASSERTION_TYPE}
    return {
        "client_assertion": lambda jwt: wallet.http.post(
            f"{url}/par", data={**keyed, "client_assertion": jwt}
        ),
        "attestation": lambda jwt: wallet.par(wallet.attested(jwt)),
        "PoP": lambda jwt: wallet.par(wallet.attested(pop=jwt)),
        "DPoP": lambda jwt: wallet.par({**wallet.attested(), "DPoP": jwt}),
        "pre-authorized code": issuer.ask,
    }


@pytest.mark.parametrize(
    "place", ["client_assertion", "attestation", "PoP", "DPoP", "pre-authorized code"]
)
def test_each_is_refused_in_order(place: str, wallet: Wallet, issuer: Issuer) -> None:
    send = places(wallet, issuer)[place]
    for name, token in HOSTILE.items():
        answer = send(token)
        assert answer.status_code in (400, 401), (name, answer.text)
        assert answer.json()["error"].startswith("invalid_"), (name, answer.text)


ODD_TIMES: tuple[Any, ...] = (
    float("nan"), float("inf"), -float("inf"), 10**400, -(10**400), 1e300, True, "1", [1], {},
)  # fmt: skip


@pytest.mark.parametrize("claim", ["iat", "exp", "nbf"])
@pytest.mark.parametrize("time", ODD_TIMES, ids=lambda time: repr(time)[:6])
def test_odd_times(claim: str, time: Any, wallet: Wallet, issuer: Issuer) -> None:
    provider, odd = wallet.provider, {claim: time}
    assert provider
    keyed = Wallet(wallet.servers, "keyed")
    answers = {
        "client_assertion": keyed.par(**keyed.assertion(key=CLIENT_KEY, **odd)),
        "attestation": wallet.par(wallet.attested(provider.attestation(wallet.instance, **odd))),
        "PoP": wallet.par(wallet.attested(pop=wallet.pop(**odd))),
        "DPoP": wallet.par({**wallet.attested(), "DPoP": wallet.dpop("par", **odd)}),
        "pre-authorized code": issuer.ask(issuer.request(**odd)),
    }
    binding = {
        "client_assertion": ("exp", "nbf", "iat"),
        "attestation": ("exp", "nbf", "iat"),
        "PoP": ("iat",),
        "DPoP": ("iat",),
        "pre-authorized code": ("iat",),
    }
    for place, answer in answers.items():
        assert answer.status_code < 500, (place, answer.text)
        assert answer.status_code >= 400 or claim not in binding[place], (place, answer.text)
        assert answer.json()
