"""Encrypted requests and responses (OpenID4VCI 1.0, section 10), against another JOSE library."""

import json
import zlib
from typing import Any

import pytest
from joserfc import jwe as joserfc_jwe
from joserfc.jwk import ECKey
from jwcrypto import jwe, jwk

from tests.support.answers import answer
from wallet.errors import PeerBrokeProtocol, Unsupported
from wallet.openid4vci.encryption import (
    ENCODINGS,
    Recipient,
    Reply,
    decrypted,
    encrypted,
    encryption_of,
)
from wallet.openid4vci.issuer_metadata import RequestEncryption, ResponseEncryption
from wallet.policy import REPLY_LIMIT_BYTES
from wallet.ports import HttpResponse

ISSUER = jwk.JWK.generate(kty="EC", crv="P-256")
ISSUER_JWK = {**ISSUER.export_public(as_dict=True), "kid": "k1", "use": "enc", "alg": "ECDH-ES"}
KEY = ECKey.generate_key("P-256")
REPLY = Reply(KEY, "A256GCM", False)
PLAIN = json.dumps({"credentials": [{"credential": "secret-sentinel"}]}).encode()


def requests(**members: Any) -> RequestEncryption:
    document = {
        "jwks": {"keys": [ISSUER_JWK]},
        "enc_values_supported": ["A128GCM", "A256GCM"],
        "encryption_required": False,
    }
    return RequestEncryption.model_validate({**document, **members})


def responses(**members: Any) -> ResponseEncryption:
    document = {
        "alg_values_supported": ["ECDH-ES"],
        "enc_values_supported": ["A128CBC-HS256"],
        "encryption_required": False,
    }
    return ResponseEncryption.model_validate({**document, **members})


def issuers_answer(reply: Reply, plaintext: bytes = PLAIN, **header: Any) -> HttpResponse:
    parameters: Any = reply.parameters
    protected = {
        "alg": parameters["jwk"]["alg"],
        "kid": parameters["jwk"]["kid"],
        "enc": parameters["enc"],
        **({"zip": parameters["zip"]} if "zip" in parameters else {}),
        **header,
    }
    token = jwe.JWE(plaintext, json.dumps({k: v for k, v in protected.items() if v is not None}))
    token.add_recipient(jwk.JWK(**parameters["jwk"]))
    body = token.serialize(compact=True).encode()
    return answer(body, media_type="application/jwt")


# Choosing.


def test_cred_06_what_both_can() -> None:
    chosen = encryption_of(requests(), responses())
    assert chosen.recipient == Recipient(ISSUER_JWK, "A256GCM", zip=False)
    assert chosen.response == ("A128CBC-HS256", False)
    zipped = encryption_of(
        requests(zip_values_supported=["DEF"]), responses(zip_values_supported=["DEF"])
    )
    assert zipped.recipient is not None
    assert zipped.recipient.zip
    assert zipped.response == ("A128CBC-HS256", True)


def test_cred_05_no_encrypted_response_to_a_request_in_clear() -> None:
    assert encryption_of(None, responses()).response is None
    assert encryption_of(None, None).reply(KEY) is None
    assert encryption_of(requests(enc_values_supported=["XC20P"]), responses()).response is None


REQUIRED: dict[str, tuple[Any, Any]] = {
    "no enc for requests": (
        requests(enc_values_supported=["XC20P"], encryption_required=True),
        None,
    ),
    "ENC-01 no alg in the key": (
        requests(
            jwks={"keys": [{n: v for n, v in ISSUER_JWK.items() if n != "alg"}]},
            encryption_required=True,
        ),
        None,
    ),
    "a key for signatures": (
        requests(jwks={"keys": [{**ISSUER_JWK, "use": "sig"}]}, encryption_required=True),
        None,
    ),
    "a key off its curve": (
        requests(jwks={"keys": [{**ISSUER_JWK, "y": ISSUER_JWK["x"]}]}, encryption_required=True),
        None,
    ),
    "no alg for responses": (
        requests(),
        responses(alg_values_supported=["RSA-OAEP"], encryption_required=True),
    ),
    "CRED-05 responses, and no requests": (None, responses(encryption_required=True)),
}


@pytest.mark.parametrize("name", REQUIRED)
def test_cred_06_what_is_required_and_cannot_be(name: str) -> None:
    with pytest.raises(Unsupported) as caught:
        encryption_of(*REQUIRED[name])
    assert caught.value.code == "encryption_unsupported"


# Requests.


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("enc", ENCODINGS)
def test_enc_01_the_issuer_decrypts_a_request(enc: str, zipped: bool) -> None:
    token = jwe.JWE()
    token.deserialize(encrypted(PLAIN, Recipient(ISSUER_JWK, enc, zipped)).decode(), ISSUER)
    assert token.payload == PLAIN
    header = json.loads(token.objects["protected"])
    assert (header["alg"], header["enc"], header["kid"]) == ("ECDH-ES", enc, "k1")
    assert header.get("zip") == ("DEF" if zipped else None)


@pytest.mark.parametrize("curve", ["P-384", "P-521", "X25519"])
def test_enc_01_other_curves(curve: str) -> None:
    kind = "OKP" if curve == "X25519" else "EC"
    key = jwk.JWK.generate(kty=kind, crv=curve)
    public = {**key.export_public(as_dict=True), "alg": "ECDH-ES"}
    chosen = encryption_of(requests(jwks={"keys": [{"kty": "RSA"}, public]}), None)
    assert chosen.recipient is not None
    token = jwe.JWE()
    token.deserialize(encrypted(PLAIN, chosen.recipient).decode(), key)
    assert token.payload == PLAIN
    assert "kid" not in json.loads(token.objects["protected"])


# Responses.


def test_cred_05_the_parameters() -> None:
    parameters: Any = Reply(KEY, "A128GCM", True).parameters
    assert {"kty", "crv", "x", "y", "use", "alg", "kid"} == set(parameters["jwk"])
    assert (parameters["jwk"]["use"], parameters["jwk"]["alg"]) == ("enc", "ECDH-ES")
    assert (parameters["enc"], parameters["zip"]) == ("A128GCM", "DEF")
    assert "zip" not in REPLY.parameters
    assert "d" not in parameters["jwk"]


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("enc", ENCODINGS)
def test_enc_01_the_wallet_decrypts_a_response(enc: str, zipped: bool) -> None:
    reply = Reply(KEY, enc, zipped)
    for status in (200, 202):
        read = decrypted(HttpResponse("u", status, *_rest(issuers_answer(reply))), reply)
        assert (read.status, read.media_type, read.body) == (status, "application/json", PLAIN)
    assert decrypted(issuers_answer(reply, zip=None), reply).body == PLAIN  # it need not compress
    assert decrypted(issuers_answer(reply, kid=None, typ="JWT", new=[1]), reply).body == PLAIN


def _rest(response: HttpResponse) -> tuple[Any, bytes]:
    return response.headers, response.body


def test_a_whole_reply_of_the_largest_size() -> None:
    plaintext = b'"' + b"x" * 700_000 + b'"'
    assert decrypted(issuers_answer(REPLY, plaintext), REPLY).body == plaintext


def test_res_05_errors_and_202_may_come_in_clear() -> None:
    for response in (answer({"error": "x"}, 400), answer({"transaction_id": "t"}, 202)):
        assert decrypted(response, REPLY) is response
    assert decrypted(answer({}), None).body == b"{}"


def test_enc_02_a_credential_in_clear() -> None:
    with pytest.raises(PeerBrokeProtocol) as caught:
        decrypted(answer({"credentials": []}), REPLY)
    assert caught.value.code == "response_not_encrypted"


def broken() -> dict[str, tuple[HttpResponse, Reply | None]]:
    good = issuers_answer(REPLY)
    parts = good.body.decode().split(".")
    zipped = Reply(KEY, "A256GCM", True)
    other = Reply(ECKey.generate_key("P-256"), "A256GCM", False)

    def body(text: str) -> HttpResponse:
        return answer(text.encode(), media_type="application/jwt")

    return {
        "nothing was to be encrypted": (good, None),
        "another key": (issuers_answer(other, kid=None), REPLY),
        "another kid": (issuers_answer(REPLY, kid="k"), REPLY),
        "another enc": (issuers_answer(REPLY, enc="A128GCM"), REPLY),
        "another alg": (issuers_answer(REPLY, alg="ECDH-ES+A128KW"), REPLY),
        "compressed, and not asked": (issuers_answer(REPLY, zip="DEF"), REPLY),
        "an altered tag": (body(".".join([*parts[:4], "A" * len(parts[4])])), REPLY),
        "an altered text": (body(".".join([*parts[:3], "AAAA", parts[4]])), REPLY),
        "a part missing": (body(".".join(parts[:4])), REPLY),
        "no JWE": (body("hello"), REPLY),
        "nothing": (body(""), REPLY),
        "not ASCII": (answer(b"\xff", media_type="application/jwt"), REPLY),
        "a critical header": (with_header(crit=["x"], x=1), REPLY),
        "a critical header that is none": (with_header(crit=5), REPLY),
        "critical headers that are no texts": (with_header(crit=[5]), REPLY),
        "no ephemeral key": (with_header(epk=None), REPLY),
        "an ephemeral key on no curve": (
            with_header(epk={"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"}),
            REPLY,
        ),
        "an ephemeral key off its curve": (
            with_header(epk={"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
            REPLY,
        ),
        "too large when decompressed": (
            issuers_answer(zipped, b"0" * (REPLY_LIMIT_BYTES + 1)),
            zipped,
        ),
    }


def with_header(**header: Any) -> HttpResponse:
    """An answer whose header was altered: what is checked before anything is decrypted."""
    good, *rest = issuers_answer(REPLY).body.decode().split(".")
    altered = {**json.loads(jwk.base64url_decode(good)), **header}
    body = ".".join([jwk.base64url_encode(json.dumps(altered)), *rest])
    return answer(body.encode(), media_type="application/jwt")


@pytest.mark.parametrize("name", broken())
def test_enc_01_what_the_wallet_does_not_take(name: str) -> None:
    response, reply = broken()[name]
    with pytest.raises(PeerBrokeProtocol) as caught:
        decrypted(response, reply)
    assert caught.value.code == "decryption_failed"
    assert "sentinel" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (zlib.compress(PLAIN)[2:-6], "ends early"),
        (zlib.compress(b"0" * (REPLY_LIMIT_BYTES + 1))[2:-4], "when decompressed"),
        (b"\xff\xff", "error"),
    ],
)
def test_enc_01_what_does_not_decompress(data: bytes, words: str) -> None:
    class AsItIs:
        def compress(self, given: bytes) -> bytes:
            return given

    class Registry(joserfc_jwe.JWERegistry):
        def get_zip(self, name: str) -> Any:
            return AsItIs()

    reply = Reply(KEY, "A256GCM", True)
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "zip": "DEF"}
    body = joserfc_jwe.encrypt_compact(header, data, KEY, registry=Registry()).encode()
    with pytest.raises(PeerBrokeProtocol, match=words) as caught:
        decrypted(answer(body, media_type="application/jwt"), reply)
    assert caught.value.code == "decryption_failed"
