"""Proof Key for Code Exchange (RFC 7636), method S256."""

from dataclasses import dataclass

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from wallet.records import Secret


@dataclass(frozen=True)
class Pkce:
    """A verifier and its challenge.

    Attributes:
        verifier: 43 to 128 unreserved characters (section 4.1).
        challenge: base64url(SHA-256(verifier)) (section 4.2).
    """

    verifier: Secret[str]
    challenge: str


def pkce_of(verifier: str) -> Pkce:
    """The PKCE pair of a fresh random `verifier`."""
    return Pkce(Secret(verifier), create_s256_code_challenge(verifier))
