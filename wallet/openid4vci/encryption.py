"""Encrypted Credential Requests and Responses (OpenID4VCI 1.0, section 10)."""

import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from wallet.errors import PeerBrokeProtocol, Unsupported
from wallet.openid4vci.issuer_metadata import RequestEncryption, ResponseEncryption
from wallet.policy import REPLY_LIMIT_BYTES
from wallet.ports import HttpResponse
from wallet.records import JsonObject
from wallet.strict import base64url, json_object
from wallet.urls import without_query

MEDIA_TYPE: Final = "application/jwt"
ALGORITHM: Final = "ECDH-ES"
ENCODINGS: Final = ("A256GCM", "A128GCM", "A256CBC-HS512", "A128CBC-HS256")
"""Values of `enc`, best first."""
DEFLATE: Final = "DEF"

_RULE: Final = "OpenID4VCI 1.0, section 10"
_CURVES: Final = ("P-256", "P-384", "P-521", "X25519")


@dataclass(frozen=True)
class Recipient:
    """The issuer's key for requests, and how to encrypt to it.

    Attributes:
        jwk: A public key with `alg`.
        enc: The content encryption.
        zip: Whether to compress.
    """

    jwk: Mapping[str, Any]
    enc: str
    zip: bool


@dataclass(frozen=True)
class Reply:
    """What the issuer is to encrypt one response with.

    Attributes:
        key: A fresh key of the wallet; it never leaves the process, and lives as long as the
            request.
        enc: The content encryption.
        zip: Whether to compress.
    """

    key: ECKey = field(repr=False)
    enc: str
    zip: bool

    @property
    def parameters(self) -> JsonObject:
        """The `credential_response_encryption` of a request (section 8.2)."""
        public = {name: str(value) for name, value in self.key.as_dict(private=False).items()}
        jwk = {**public, "use": "enc", "alg": ALGORITHM, "kid": self.key.thumbprint()}
        return {"jwk": jwk, "enc": self.enc, **({"zip": DEFLATE} if self.zip else {})}


@dataclass(frozen=True)
class Encryption:
    """What is encrypted between wallet and issuer.

    Attributes:
        recipient: Who requests are encrypted to; None where they are sent in clear.
        response: `enc` of responses, and whether to compress; None where they come in clear.
    """

    recipient: Recipient | None
    response: tuple[str, bool] | None

    def reply(self, key: ECKey) -> Reply | None:
        """How the response to one request is encrypted, to a fresh `key` of the wallet."""
        return None if self.response is None else Reply(key, *self.response)


def encryption_of(
    requests: RequestEncryption | None, responses: ResponseEncryption | None
) -> Encryption:
    """Everything that both sides can encrypt.

    A request that asks for an encrypted response must be encrypted itself (section 8.2).

    Raises:
        Unsupported: `encryption_unsupported` where the issuer requires what cannot be done.
    """
    recipient = None if requests is None else _recipient(requests)
    response = None if responses is None else _response(responses)
    if requests is not None and requests.encryption_required and recipient is None:
        raise _unsupported("requests: no key or enc in common")
    if responses is not None and responses.encryption_required:
        if response is None:
            raise _unsupported("responses: no alg or enc in common")
        if recipient is None:
            raise _unsupported("responses are to be encrypted, and requests cannot be")
    return Encryption(recipient, response if recipient is not None else None)


def _recipient(metadata: RequestEncryption) -> Recipient | None:
    enc = _best(metadata.enc_values_supported)
    for jwk in metadata.jwks.keys:
        usable = jwk.get("alg") == ALGORITHM and jwk.get("use", "enc") == "enc"
        if usable and jwk.get("crv") in _CURVES and enc is not None and _imported(jwk):
            return Recipient(jwk, enc, DEFLATE in metadata.zip_values_supported)
    return None


def _response(metadata: ResponseEncryption) -> tuple[str, bool] | None:
    enc = _best(metadata.enc_values_supported)
    if ALGORITHM not in metadata.alg_values_supported or enc is None:
        return None
    return enc, DEFLATE in metadata.zip_values_supported


def _unsupported(detail: str) -> Unsupported:
    return Unsupported("encryption_unsupported", detail, rule=_RULE)


def encrypted(plaintext: bytes, recipient: Recipient) -> bytes:
    """`plaintext` as a JWE to the issuer, with the `kid` of its key."""
    kid = recipient.jwk.get("kid")
    header = {
        "alg": ALGORITHM,
        "enc": recipient.enc,
        **({"kid": kid} if kid is not None else {}),
        **({"zip": DEFLATE} if recipient.zip else {}),
    }
    key = _imported(recipient.jwk)
    assert key is not None  # noqa: S101 - `_recipient` imported it
    return jwe.encrypt_compact(header, plaintext, key, registry=_Registry()).encode()


def decrypted(response: HttpResponse, reply: Reply | None) -> HttpResponse:
    """A response as its reader wants it: in clear, as JSON.

    Errors are never encrypted (section 8.3.1.2). A 202 in clear carries no credential, and is
    taken.

    Args:
        response: As received.
        reply: What the request asked for; None where it asked for no encryption.

    Raises:
        PeerBrokeProtocol: `response_not_encrypted`; `decryption_failed`, also for another `enc`,
            key or compression than asked for, and for what gets too large.
    """
    if response.media_type != MEDIA_TYPE:
        if reply is not None and response.status == 200:
            raise PeerBrokeProtocol(
                "response_not_encrypted",
                f"Content-Type is {response.media_type or 'missing'}, not {MEDIA_TYPE}",
                rule=_RULE,
                url=without_query(response.url),
            )
        return response
    if reply is None:
        raise _failed("nothing was to be encrypted", response)
    try:
        token = response.body.decode("ascii").strip()
        _check_header(json_object(base64url(token.partition(".")[0])), reply)
        plaintext = jwe.decrypt_compact(token, reply.key, registry=_Registry()).plaintext
    except (JoseError, ValueError, LookupError, AssertionError, zlib.error) as error:
        reason = str(error) if type(error) is ValueError else type(error).__name__
        raise _failed(reason, response) from None
    headers = {**response.headers, "content-type": "application/json"}
    return replace(response, headers=headers, body=plaintext or b"")


def _check_header(header: JsonObject, reply: Reply) -> None:
    expected = {"alg": ALGORITHM, "enc": reply.enc}
    for name, value in expected.items():
        if header.get(name) != value:
            message = f"{name} is {str(header.get(name))[:40]!r}, not {value!r}"
            raise ValueError(message)
    if "crit" in header or not isinstance(header.get("epk"), dict):
        message = "crit is used, or there is no epk"
        raise ValueError(message)
    if header.get("zip", DEFLATE if reply.zip else None) != (DEFLATE if reply.zip else None):
        message = "zip was not asked for"
        raise ValueError(message)
    if header.get("kid", reply.key.thumbprint()) != reply.key.thumbprint():
        message = "kid is not that of the key for this response"
        raise ValueError(message)


class _Deflate:
    """`zip` with a bound on what comes out (RFC 7516, section 11.5; RFC 1951)."""

    name: Final = DEFLATE

    def compress(self, data: bytes) -> bytes:
        compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return compressor.compress(data) + compressor.flush()

    def decompress(self, data: bytes) -> bytes:
        decompressor = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        whole = decompressor.decompress(data, REPLY_LIMIT_BYTES + 1)
        if len(whole) > REPLY_LIMIT_BYTES:
            message = f"more than {REPLY_LIMIT_BYTES} bytes when decompressed"
            raise ValueError(message)
        if not decompressor.eof:
            message = "the compressed data ends early"
            raise ValueError(message)
        return whole


class _Registry(jwe.JWERegistry):
    """What may be used; unknown header parameters are ignored (RFC 7516, section 4)."""

    max_ciphertext_length = REPLY_LIMIT_BYTES

    def __init__(self) -> None:
        super().__init__(algorithms=[ALGORITHM, *ENCODINGS, DEFLATE], strict_check_header=False)

    def get_zip(self, name: str) -> Any:  # noqa: ANN401 - an interface of joserfc's without export
        super().get_zip(name)
        return _Deflate()


def _best(offered: Collection[str]) -> str | None:
    return next((enc for enc in ENCODINGS if enc in offered), None)


def _imported(jwk: Mapping[str, Any]) -> ECKey | OKPKey | None:
    """The public key of a JWK; None where it is none."""
    names = ("kty", "crv", "x", "y") if jwk.get("kty") == "EC" else ("kty", "crv", "x")
    kind = ECKey if jwk.get("kty") == "EC" else OKPKey
    try:
        return kind.import_key({name: str(jwk[name]) for name in names})
    except (JoseError, KeyError, ValueError):
        return None


def _failed(detail: str, response: HttpResponse) -> PeerBrokeProtocol:
    url = without_query(response.url)
    return PeerBrokeProtocol("decryption_failed", detail, rule=_RULE, url=url)
