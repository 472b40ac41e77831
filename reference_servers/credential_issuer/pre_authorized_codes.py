"""Asking an authorization server for a pre-authorized code (README.md): by a JWT of this issuer."""

import secrets
import ssl
import time
from collections.abc import Sequence
from typing import Final

import httpx

from reference_servers.credential_issuer.certificates import SigningKey

TYP: Final = "pre-authorized-code+jwt"


class NoCodeError(Exception):
    """The authorization server cannot be asked, or gives no code."""


def pre_authorized_code(
    server: str,
    *,
    credential_issuer: str,
    key: SigningKey,
    subject: str,
    configurations: Sequence[str],
    tx_code: str,
    tls: ssl.SSLContext,
) -> tuple[str, int]:
    """A code for the credentials of a person, and for how many seconds it is good.

    Args:
        server: The authorization server.
        credential_issuer: This issuer.
        key: Its key.
        subject: Whose credentials it is for.
        configurations: Which credentials.
        tx_code: What the wallet must send with it; empty for nothing.
        tls: What the server's certificate is checked against.

    Raises:
        NoCodeError: There is none.
    """
    claims: dict[str, object] = {
        "iss": credential_issuer,
        "aud": server,
        "iat": int(time.time()),
        "jti": secrets.token_urlsafe(16),
        "sub": subject,
        "credential_configuration_ids": list(configurations),
    }
    if tx_code:
        claims["tx_code"] = tx_code
    try:
        answer = httpx.post(
            f"{server}/pre-authorized-codes",
            content=key.signed(TYP, claims, kid=key.kid),
            headers={"Content-Type": "application/jwt"},
            timeout=10,
            trust_env=False,
            verify=tls,
        )
        body = answer.raise_for_status().json()
        return str(body["pre-authorized_code"]), int(body["expires_in"])
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, LookupError, TypeError):
        raise NoCodeError from None
