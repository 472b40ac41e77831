"""Whatever stands in a JWT or JWE of a peer, each reader ends in a value or in our own errors."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import ECKey

from tests.property.test_readers import any_text, bent, json_values
from tests.support.answers import answer
from tests.unit.oauth import test_client_attestation as client
from tests.unit.openid4vci import test_key_attestation as keys
from tests.unit.openid4vci import test_signed_metadata as signed
from wallet.errors import WalletError
from wallet.oauth.client_attestation import (
    challenge_in,
    check_client_attestation,
    read_challenge,
)
from wallet.oauth.documents import errors_in
from wallet.oauth.dpop import nonce_in
from wallet.oauth.jwt import signing_input
from wallet.openid4vci.encryption import Reply, decrypted, encryption_of
from wallet.openid4vci.issuer_metadata import RequestEncryption, ResponseEncryption
from wallet.openid4vci.key_attestation import check_key_attestation
from wallet.records import Secret
from wallet.strict import base64url, json_object
from wallet.trust.holder_keys import confirms

KEY = ECKey.generate_key("P-256")
REPLY = Reply(KEY, "A256GCM", zip=True)
JWE_HEADER = {"alg": "ECDH-ES", "enc": "A256GCM", "zip": "DEF", "kid": KEY.thumbprint()}
REQUESTS = {
    "jwks": {"keys": [{**KEY.as_dict(private=False), "alg": "ECDH-ES", "kid": "k"}]},
    "enc_values_supported": ["A256GCM"],
    "zip_values_supported": ["DEF"],
    "encryption_required": True,
}
RESPONSES = {
    "alg_values_supported": ["ECDH-ES"],
    "enc_values_supported": ["A256GCM"],
    "encryption_required": True,
}


def token(header: Any, claims: Any) -> str:
    return f"{signing_input(header, claims).decode('ascii')}.AA"


@given(bent(client.HEADER), bent(client.GOOD))
def test_client_attestations(header: Any, claims: Any) -> None:
    with suppress(WalletError):
        check_client_attestation(
            Secret(token(header, claims)), client.ATTESTED.holder, "wallet", client.NOW
        )


@given(bent(keys.HEADER), bent(keys.CLAIMS))
def test_key_attestations(header: Any, claims: Any) -> None:
    with suppress(WalletError):
        check_key_attestation(
            Secret(token(header, claims)), keys.KEYS, keys.CHOICE, nonce=None, now=keys.NOW
        )


@given(bent({**signed.HEADER, "x5c": signed.x5c(signed.AUTHORITY.leaf)}), bent(signed.CLAIMS))
def test_signed_metadata(header: Any, claims: Any) -> None:
    with suppress(WalletError):
        signed.read(token(header, claims))


@given(any_text | st.binary(max_size=200))
def test_what_is_not_even_a_token(text: str | bytes) -> None:
    body = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    with suppress(WalletError):
        decrypted(answer(body, media_type="application/jwt"), REPLY)
    with suppress(WalletError):
        signed.read(body.decode("latin-1"))


PARTS = jwe.encrypt_compact(
    dict(JWE_HEADER),
    b"{}",
    KEY,
    registry=jwe.JWERegistry(algorithms=["ECDH-ES", "A256GCM", "DEF"]),
).split(".")


@given(
    bent(json_object(base64url(PARTS[0]))), st.integers(0, 4), st.text("AZaz09-_.=", max_size=40)
)
def test_encrypted_responses(header: Any, place: int, part: str) -> None:
    whole = signing_input(header, {}).decode().split(".")[0]
    for altered in ([whole, *PARTS[1:]], [*PARTS[:place], part, *PARTS[place + 1 :]]):
        body = ".".join(altered).encode()
        with suppress(WalletError):
            decrypted(answer(body, media_type="application/jwt"), REPLY)


@given(bent(REQUESTS), bent(RESPONSES))
def test_encryption_metadata(requests: Any, responses: Any) -> None:
    with suppress(WalletError, ValueError):
        encryption_of(
            RequestEncryption.model_validate(requests),
            ResponseEncryption.model_validate(responses),
        )


@given(bent({"jwk": dict(keys.KEYS[0].public_jwk), "kid": "did:jwk:e30#0"}))
def test_confirmations(confirmation: Any) -> None:
    if isinstance(confirmation, dict):
        assert confirms(confirmation, keys.KEYS[0].public_jwk) in (True, False)


@given(st.text(max_size=60), json_values)
def test_headers_and_challenges(text: str, body: Any) -> None:
    response = answer(
        json.loads(json.dumps(body)),
        www_authenticate=text,
        dpop_nonce=text,
        oauth_client_attestation_challenge=text,
    )
    assert nonce_in(response) in (None, text)
    assert challenge_in(response) in (None, text)
    assert all(isinstance(one, str) for one in errors_in(response))
    with suppress(WalletError):
        read_challenge(response)
