"""Wallet providers, and keys from files."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey

from tests.support.answers import answer
from tests.support.keys import TestKey
from tests.support.simulator import Authority
from wallet.errors import LocalFailure, PeerBrokeProtocol, PeerRefused, Unsupported, WalletError
from wallet.oauth.client_attestation import check_client_attestation
from wallet.oauth.jwt import read_jwt
from wallet.openid4vci.key_attestation import check_key_attestation
from wallet.openid4vci.proof import ProofChoice, certified_reference
from wallet.ports import HttpResponse
from wallet.records import Image, Secret
from wallet.settings import ServerSettings
from wallet.trust.anchors import Anchors, read_x5c
from wallet.trust.public_keys import public_key
from wallet.wallet_provider import HttpProvider, load_key, provider_of

NOW = datetime.now(UTC)
AUTHORITY = Authority("Provider Root")
KEY = TestKey.new().holder
REQUIRED = {"key_storage": ["iso_18045_moderate"], "user_authentication": ["iso_18045_high"]}
CHOICE = ProofChoice("jwt", "ES256", "jwk", "", REQUIRED, ("ES256",))


class Clock:
    def now(self) -> datetime:
        return NOW


@dataclass
class RecordingHttp:
    """`Http` that gives one answer to everything."""

    response: HttpResponse = field(default_factory=answer)
    asked: list[tuple[str, Any]] = field(default_factory=list)

    def check(self, url: str) -> None:
        if not url.startswith("https://"):
            raise PeerBrokeProtocol("insecure_url")

    async def get(self, url: str, *, accept: str) -> HttpResponse:
        raise AssertionError

    async def image(self, url: str) -> Image | None:
        raise AssertionError

    async def post(self, url: str, *, body: bytes = b"", **_: Any) -> HttpResponse:
        self.asked.append((url, json.loads(body)))
        return self.response


def pem(key: Any) -> bytes:
    private: bytes = key.private_bytes(
        Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private


def settings(**members: Any) -> ServerSettings:
    default: dict[str, Any] = {
        "client_id": "wallet",
        "client_authentication": "auto",
        "client_key": None,
        "wallet_provider": "",
        "wallet_provider_key": None,
        "wallet_provider_chain": None,
        "key_reference": "auto",
        "dpop": "auto",
    }
    return ServerSettings(**{**default, **members})


# Keys from files.


@pytest.mark.parametrize(("curve", "algorithm"), [("P-256", "ES256"), ("P-384", "ES384")])
@pytest.mark.parametrize("form", ["pem", "jwk"])
def test_a_key_from_a_file_signs(curve: str, algorithm: str, form: str, tmp_path: Path) -> None:
    key = ECKey.generate_key(curve, {"kid": "key-1", "use": "sig"})
    file = tmp_path / "key"
    file.write_bytes(
        pem(key.private_key) if form == "pem" else json.dumps(key.as_dict(private=True)).encode()
    )
    loaded = load_key(file)
    assert (loaded.algorithm, loaded.kid) == (algorithm, "key-1" if form == "jwk" else None)
    assert jws.JWSRegistry.algorithms[algorithm].verify(b"message", loaded.sign(b"message"), key)
    assert str(key.as_dict(private=True)["d"]) not in repr(loaded)


@pytest.mark.parametrize("form", ["pem", "jwk"])
def test_an_ed25519_key_from_a_file_signs(form: str, tmp_path: Path) -> None:
    key = OKPKey.generate_key("Ed25519")
    file = tmp_path / "key"
    file.write_bytes(
        pem(key.private_key) if form == "pem" else json.dumps(key.as_dict(private=True)).encode()
    )
    loaded = load_key(file)
    assert loaded.algorithm == "EdDSA"
    assert jws.JWSRegistry.algorithms["EdDSA"].verify(b"m", loaded.sign(b"m"), key)


BAD_KEYS: dict[str, bytes] = {
    "nothing": b"",
    "no key": b"hello",
    "a public key": ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    "RSA": pem(rsa.generate_private_key(65_537, 2_048)),
    "another curve": pem(ec.generate_private_key(ec.SECP521R1())),
    "a public JWK": json.dumps(dict(KEY.public_jwk)).encode(),
    "a JWK without a curve": b'{"kty": "EC"}',
    "no JSON": b"{",
}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_what_is_no_key(name: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(BAD_KEYS[name])
    with pytest.raises(LocalFailure, match=str(file)) as caught:
        load_key(file)
    assert caught.value.code == "settings_invalid"
    with pytest.raises(LocalFailure, match="FileNotFoundError"):
        load_key(tmp_path / "nowhere")


# Development.


@pytest.fixture
def development(tmp_path: Path) -> ServerSettings:
    (tmp_path / "key.pem").write_bytes(pem(AUTHORITY.leaf_key))
    (tmp_path / "chain.pem").write_bytes(AUTHORITY.leaf.public_bytes(Encoding.PEM))
    return settings(
        wallet_provider="development",
        wallet_provider_key=tmp_path / "key.pem",
        wallet_provider_chain=tmp_path / "chain.pem",
    )


def verified(token: Secret[str]) -> dict[str, Any]:
    """The claims, if the signature leads to the provider's root (HAIP-04: which is not in it)."""
    chain = read_x5c(read_jwt(token.reveal()).header["x5c"])
    assert Anchors((AUTHORITY.certificate,)).trust(chain, NOW) == "Provider Root"
    registry = jws.JWSRegistry()
    registry.max_header_length = 16_384
    read = jws.deserialize_compact(token.reveal(), public_key(chain.jwk), registry=registry)
    claims: dict[str, Any] = json.loads(read.payload)
    return claims


async def test_ca_02_a_client_attestation(development: ServerSettings) -> None:
    provider = provider_of(development, RecordingHttp(), Clock())
    assert provider is not None
    token = await provider.client_attestation(KEY, "wallet")
    check_client_attestation(token, KEY, "wallet", NOW)
    claims = verified(token)
    assert claims["iss"] == "Provider Root issuer"  # CA-02: -07 requires one
    assert claims["iat"] == int(NOW.timestamp())


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "EdDSA"])
async def test_prf_01_certificates_of_a_key(algorithm: str, development: ServerSettings) -> None:
    provider = provider_of(development, RecordingHttp(), Clock())
    assert provider is not None
    key = TestKey.new(algorithm).holder
    own, *chain = await provider.key_certificates(key)
    certificate = x509.load_der_x509_certificate(own)
    certificate.verify_directly_issued_by(AUTHORITY.leaf)
    assert chain == [AUTHORITY.leaf.public_bytes(Encoding.DER)]  # HAIP-05: no trust anchor
    encoded = [base64.b64encode(one).decode() for one in (own, *chain)]
    assert certified_reference(key, [own, *chain]) == {"x5c": encoded}
    for wrong in ([], [b"no certificate"], chain):
        with pytest.raises(PeerBrokeProtocol, match="wallet_attestation_invalid"):
            certified_reference(key, wrong)


async def test_a_provider_on_the_network_certifies_no_keys() -> None:
    with pytest.raises(Unsupported, match="proof_unsupported"):
        await HttpProvider("https://provider.example", RecordingHttp()).key_certificates(KEY)


@pytest.mark.parametrize("nonce", [None, "n"])
async def test_att_02_a_key_attestation(development: ServerSettings, nonce: str | None) -> None:
    provider = provider_of(development, RecordingHttp(), Clock())
    assert provider is not None
    keys, secret = [KEY, TestKey.new("ES384").holder], Secret(nonce) if nonce else None
    token = await provider.key_attestation(
        keys, nonce=secret, required=REQUIRED, algorithms=["ES256"]
    )
    check_key_attestation(token, keys, CHOICE, nonce=secret, now=NOW)
    claims = verified(token)
    assert claims.get("nonce") == nonce
    assert (claims["key_storage"], claims["user_authentication"]) == tuple(REQUIRED.values())


async def test_a_key_without_a_chain_is_named(tmp_path: Path) -> None:
    key = ECKey.generate_key("P-256", {"kid": "provider-1"})
    (tmp_path / "key").write_text(json.dumps(key.as_dict(private=True)))
    own = settings(wallet_provider="development", wallet_provider_key=tmp_path / "key")
    provider = provider_of(own, RecordingHttp(), Clock())
    assert provider is not None
    header = read_jwt((await provider.client_attestation(KEY, "wallet")).reveal()).header
    assert header["kid"] == "provider-1"
    assert "x5c" not in header


def test_what_cannot_be_set(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(pem(AUTHORITY.leaf_key))
    (tmp_path / "bad.pem").write_text("x")
    for members, words in (
        ({}, "needs a key"),
        (
            {
                "wallet_provider_key": tmp_path / "key.pem",
                "wallet_provider_chain": tmp_path / "bad.pem",
            },
            "bad.pem",
        ),
    ):
        with pytest.raises(LocalFailure, match=words) as caught:
            provider_of(
                settings(wallet_provider="development", **members), RecordingHttp(), Clock()
            )
        assert caught.value.code == "settings_invalid"
    with pytest.raises(PeerBrokeProtocol):
        provider_of(settings(wallet_provider="http://p.example"), RecordingHttp(), Clock())
    assert provider_of(settings(), RecordingHttp(), Clock()) is None


# On the network.


async def test_the_interface_of_the_reference_implementation() -> None:
    http = RecordingHttp(answer({"walletInstanceAttestation": "a.b.c"}))
    provider = provider_of(settings(wallet_provider="https://p.example/"), http, Clock())
    assert isinstance(provider, HttpProvider)
    assert (await provider.client_attestation(KEY, "wallet")).reveal() == "a.b.c"
    http.response = answer({"walletUnitAttestation": "d.e.f"})
    token = await provider.key_attestation(
        [KEY], nonce=Secret("n"), required=REQUIRED, algorithms=["ES256"]
    )
    assert token.reveal() == "d.e.f"
    jwk = {**KEY.public_jwk, "alg": "ES256"}
    assert http.asked == [
        ("https://p.example/wallet-instance-attestation/jwk", {"jwk": jwk}),
        (
            "https://p.example/wallet-unit-attestation/jwk-set",
            {"jwkSet": {"keys": [jwk]}, "supportedSigningAlgorithms": ["ES256"], "nonce": "n"},
        ),
    ]


@pytest.mark.parametrize(
    ("response", "fault", "code"),
    [
        (answer({"error": "invalid_challenge"}, 400), PeerRefused, "provider_refused"),
        (answer({}), PeerBrokeProtocol, "wallet_attestation_invalid"),
        (
            answer({"walletInstanceAttestation": ""}),
            PeerBrokeProtocol,
            "wallet_attestation_invalid",
        ),
        (answer(b"x"), PeerBrokeProtocol, "wallet_attestation_invalid"),
    ],
)
async def test_a_provider_that_does_not_vouch(
    response: HttpResponse, fault: type[WalletError], code: str
) -> None:
    provider = HttpProvider("https://p.example", RecordingHttp(response))
    with pytest.raises(fault) as caught:
        await provider.client_attestation(KEY, "wallet")
    assert caught.value.code == code
