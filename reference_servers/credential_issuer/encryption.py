"""Encrypted Credential Requests and Responses (OpenID4VCI 1.0, section 10): JWE, ECDH-ES."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from reference_servers.credential_issuer.errors import CredentialRequestError
from reference_servers.credential_issuer.settings import Settings
from reference_servers.faults import Faults
from reference_servers.jwts import JwtError, PublicKey, public_key

ALG: Final = "ECDH-ES"
ENC: Final = ("A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512")
ZIP: Final = "DEF"
REGISTRY: Final = jwe.JWERegistry(algorithms=[ALG, *ENC, ZIP], strict_check_header=False)
"""What is inflated is bounded by joserfc (250 KiB)."""


def _bad(description: str) -> CredentialRequestError:
    return CredentialRequestError("invalid_encryption_parameters", description)


@dataclass(frozen=True)
class Recipient:
    """For whom, and how, a response is encrypted.

    Attributes:
        key: The wallet's.
        header: The JWE header: `alg`, `enc`, and `kid` and `zip` where they were given.
    """

    key: PublicKey
    header: Mapping[str, str]


class Encryption:
    """Opens requests and seals responses, as the settings want them."""

    def __init__(self, settings: Settings, key: ECKey, faults: Faults) -> None:
        self._request = settings.request_encryption
        self._response = settings.response_encryption
        self._key = key
        self._faults = faults

    def metadata(self) -> Mapping[str, Any]:
        """The members of the Credential Issuer Metadata (section 12.2.4)."""
        supported = {"enc_values_supported": list(ENC), "zip_values_supported": [ZIP]}
        public = {**self._key.as_dict(private=False), "use": "enc", "alg": ALG}
        members: dict[str, Any] = {}
        if self._request != "off":
            members["credential_request_encryption"] = {
                "jwks": {"keys": [public]},
                **supported,
                "encryption_required": self._request == "required",
            }
        if self._response != "off":
            members["credential_response_encryption"] = {
                "alg_values_supported": [ALG],
                **supported,
                "encryption_required": self._response == "required",
            }
        return members

    def opened(self, media_type: str, body: bytes) -> object:
        """The document of a request.

        Raises:
            CredentialRequestError: `invalid_encryption_parameters` where it must be encrypted or
                cannot be decrypted, `invalid_credential_request` where it is no JSON.
        """
        if media_type == "application/jwt" and self._request != "off":
            body = self._decrypted(body)
        elif self._request == "required":
            raise _bad("the request must be encrypted")
        elif media_type != "application/json":
            body = b""
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            return None

    def _decrypted(self, body: bytes) -> bytes:
        try:
            message = jwe.decrypt_compact(body, self._key, registry=REGISTRY)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            raise _bad("the request cannot be decrypted") from None
        if message.headers().get("enc") not in ENC:
            raise _bad("enc is not supported")
        return message.plaintext or b""

    def recipient(self, media_type: str, asked: Mapping[str, Any]) -> Recipient | None:
        """Who the response is for; None where it is not encrypted (section 8.2).

        Raises:
            CredentialRequestError: `invalid_encryption_parameters`.
        """
        wish = asked.get("credential_response_encryption")
        if wish is None:
            if self._response == "required":
                raise _bad("the response must be encrypted")
            return None
        if self._response == "off":
            raise _bad("this issuer does not encrypt responses")
        if media_type != "application/jwt":
            raise _bad("a request for an encrypted response must be encrypted")
        if not isinstance(wish, dict) or not isinstance(wish.get("jwk"), dict):
            raise _bad("jwk is missing")
        jwk, enc = wish["jwk"], wish.get("enc")
        if jwk.get("alg") != ALG:
            raise _bad("alg of the jwk is not ECDH-ES")
        if jwk.get("use", "enc") != "enc":
            raise _bad("the jwk is not for encryption")
        if enc not in ENC:
            raise _bad("enc is not supported")
        if wish.get("zip", ZIP) != ZIP:
            raise _bad("zip is not supported")
        header = {"alg": ALG, "enc": enc} | ({"zip": ZIP} if "zip" in wish else {})
        if isinstance(jwk.get("kid"), str):
            header["kid"] = jwk["kid"]
        recipient = Recipient(self._public(jwk), header)
        self._sealed({}, recipient)
        return recipient

    def _public(self, jwk: Mapping[str, Any]) -> PublicKey:
        try:
            return public_key(self._faults.at("encryption key", jwk))
        except JwtError as error:
            raise _bad(str(error)) from None

    def sealed(self, document: Mapping[str, Any], recipient: Recipient) -> str | None:
        """The JWE of a response; None for a fault that leaves it open."""
        return self._faults.at("encrypted credential", self._sealed(document, recipient))

    @staticmethod
    def _sealed(document: Mapping[str, Any], recipient: Recipient) -> str:
        try:
            return jwe.encrypt_compact(
                dict(recipient.header), json.dumps(document), recipient.key, registry=REGISTRY
            )
        except (JoseError, ValueError, TypeError):
            raise _bad("nothing can be encrypted for this jwk") from None
