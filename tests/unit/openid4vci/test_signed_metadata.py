"""Signed Credential Issuer Metadata (OpenID4VCI 1.0, section 12.2.3)."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jws
from joserfc.jwk import ECKey

from tests.support.answers import answer
from tests.support.simulator import Authority
from tests.vectors import FOLDER, vector
from wallet.errors import PeerBrokeProtocol
from wallet.oauth.jwt import read_jwt
from wallet.openid4vci.issuer_metadata import IssuerMetadata
from wallet.openid4vci.signed_metadata import read_signed_metadata
from wallet.trust.anchors import Anchors, read_x5c

ISSUER = "https://credential-issuer.example.com"
PUBLISHED = "".join(
    (FOLDER / "oid4vci-1.0/credential_issuer_metadata_sd_jwt_jwt.txt").read_text().split()
)
NOW = datetime.now(UTC)
AUTHORITY, STRANGER = Authority("Metadata Root"), Authority("Strange Root")
ANCHORS = Anchors((AUTHORITY.certificate,))
HEADER: dict[str, Any] = {"typ": "openidvci-issuer-metadata+jwt", "alg": "ES256"}
METADATA: dict[str, Any] = vector("oid4vci-1.0/credential_issuer_metadata_sd_jwt_long.json")
CLAIMS: dict[str, Any] = {
    **METADATA,
    "credential_issuer": ISSUER,
    "sub": ISSUER,
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 3_600,
}


def x5c(*certificates: x509.Certificate) -> list[str]:
    return [base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in certificates]


def signed(
    header: dict[str, Any] = HEADER,
    claims: dict[str, Any] = CLAIMS,
    *,
    key: ec.EllipticCurvePrivateKey = AUTHORITY.leaf_key,
    chain: Sequence[x509.Certificate] = (AUTHORITY.leaf,),
) -> str:
    registry = jws.JWSRegistry(strict_check_header=False)
    registry.max_header_length = 32_768
    return jws.serialize_compact(
        {"x5c": x5c(*chain), **header}, json.dumps(claims), ECKey.import_key(key), registry=registry
    )


def read(text: str, anchors: Anchors = ANCHORS, now: datetime = NOW) -> IssuerMetadata:
    response = answer(text.encode(), media_type="application/jwt")
    return read_signed_metadata(response, ISSUER, anchors, now)


def test_meta_16_the_published_example() -> None:
    leaf = read_x5c(read_jwt(PUBLISHED).header["x5c"]).leaf
    metadata = read(PUBLISHED, Anchors((leaf,)))
    assert metadata.credential_endpoint == f"{ISSUER}/credential"
    with pytest.raises(PeerBrokeProtocol) as caught:
        read(PUBLISHED)
    assert caught.value.code == "metadata_signer_untrusted"


def test_meta_16_a_chain_to_an_anchor() -> None:
    assert read(signed()).credential_issuer == ISSUER
    assert read(signed({**HEADER, "new": "x"})).credential_issuer == ISSUER
    without = {name: value for name, value in CLAIMS.items() if name != "exp"}
    assert read(signed(claims=without)).credential_issuer == ISSUER


def without(name: str) -> dict[str, Any]:
    return {member: value for member, value in CLAIMS.items() if member != name}


def altered() -> str:
    header, _, signature = signed().split(".")
    claims = json.dumps({**CLAIMS, "credential_endpoint": "https://evil.example/"}).encode()
    payload = base64.urlsafe_b64encode(claims).rstrip(b"=").decode()
    return f"{header}.{payload}.{signature}"


def at(seconds: int) -> int:
    return int((NOW + timedelta(seconds=seconds)).timestamp())


BROKEN: dict[str, str] = {
    "no JWT": "hello",
    "altered": altered(),
    "signed by another key": signed(key=STRANGER.leaf_key),
    "another type": signed({**HEADER, "typ": "JWT"}),
    "no chain": signed({**HEADER, "x5c": []}),
    "a chain that is none": signed({**HEADER, "x5c": ["AAAA"]}),
    "another sub": signed(claims={**CLAIMS, "sub": "https://other.example"}),
    "no sub": signed(claims=without("sub")),
    "no iat": signed(claims=without("iat")),
    "issued in the future": signed(claims={**CLAIMS, "iat": at(3_600)}),
    "expired": signed(claims={**CLAIMS, "exp": at(-3_600)}),
    "a strange expiry": signed(claims={**CLAIMS, "exp": "never"}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_meta_16_a_signature_that_is_not_right(name: str) -> None:
    with pytest.raises(PeerBrokeProtocol) as caught:
        read(BROKEN[name])
    assert caught.value.code == "metadata_signature_invalid"


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES384"])
def test_meta_16_algorithms_that_are_not_taken(algorithm: str) -> None:
    head, payload, signature = signed().split(".")
    header = {**read_jwt(signed()).header, "alg": algorithm}
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    with pytest.raises(PeerBrokeProtocol, match=algorithm) as caught:
        read(f"{head}.{payload}.{signature}")
    assert caught.value.code == "metadata_signature_invalid"


def test_meta_16_a_signer_whom_the_holder_does_not_trust() -> None:
    token = signed(key=STRANGER.leaf_key, chain=(STRANGER.leaf,))
    for anchors in (ANCHORS, Anchors()):
        with pytest.raises(PeerBrokeProtocol) as caught:
            read(token, anchors)
        assert caught.value.code == "metadata_signer_untrusted"


def test_meta_05_the_metadata_of_another_issuer() -> None:
    with pytest.raises(PeerBrokeProtocol) as caught:
        read(signed(claims={**CLAIMS, "credential_issuer": "https://other.example"}))
    assert caught.value.code == "issuer_mismatch"
    with pytest.raises(PeerBrokeProtocol) as caught:
        read(signed(claims=without("credential_endpoint")))
    assert caught.value.code == "metadata_invalid"
