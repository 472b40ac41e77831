"""How the keys of an issuer may be found: decided by the wallet, never by the credential."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from wallet.trust.issuer import Signer, untrusted
from wallet.trust.jwt_vc_issuer import is_web_issuer


class Method(StrEnum):
    """Where the keys come from."""

    CERTIFICATES = "certificates"
    """`x5c` or `x5chain` in the credential."""
    JWT_VC_ISSUER = "jwt-vc-issuer"
    """A document at the issuer's domain (SD-JWT VC, section 5)."""
    DID = "DID"
    """did:jwk, did:key, did:web."""


_JWT: Final = (Method.CERTIFICATES, Method.JWT_VC_ISSUER, Method.DID)
METHODS: Final[Mapping[str, tuple[Method, ...]]] = {
    "dc+sd-jwt": _JWT,
    "vc+sd-jwt": _JWT,
    "jwt_vc_json": _JWT,
    "jwt_vc_json-ld": _JWT,
    "mso_mdoc": (Method.CERTIFICATES,),
    "ldp_vc": (Method.DID,),
}
"""What a format allows, by Credential Format Identifier."""

RULE: Final = "SD-JWT VC, section 3.5"


def method_of(signer: Signer, credential_format: str) -> Method:
    """The one method for what a credential says of its signer; there is no other after it.

    Certificates are the word of somebody else and go first: with them nothing else is looked at.
    Without them it is the issuer's identifier that decides.

    Raises:
        VerificationFailed: `issuer_untrusted`: there is none, or the format does not allow it.
    """
    if signer.chain is not None:
        method = Method.CERTIFICATES
    elif signer.issuer.startswith("did:"):
        method = Method.DID
    elif is_web_issuer(signer.issuer):
        method = Method.JWT_VC_ISSUER
    else:
        raise untrusted("the credential has no certificates and names no issuer", RULE)
    if method not in METHODS.get(credential_format, ()):
        raise untrusted(f"no issuer of {credential_format[:40]} is known by {method}", RULE)
    return method
