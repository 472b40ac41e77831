"""Demonstrating Proof of Possession (RFC 9449)."""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from wallet.oauth.client import Client
from wallet.oauth.jwt import signing_input, thumbprint
from wallet.ports import HttpResponse
from wallet.records import HolderKey, JsonObject, Secret
from wallet.strict import base64url_encode

TYP: Final = "dpop+jwt"
USE_NONCE: Final = "use_dpop_nonce"
"""The error of a server that wants its nonce in the proof (sections 8 and 9)."""

_NONCE: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")
_NONCE_LIMIT: Final = 1_000


def dpop_proof_input(
    key: HolderKey,
    url: str,
    *,
    jti: str,
    now: datetime,
    nonce: str | None = None,
    access_token: Secret[str] | None = None,
) -> bytes:
    """What the key signs of a DPoP proof for a POST (section 4.2).

    Args:
        key: The key that tokens are bound to.
        url: Where the request goes; its query is no part of the proof.
        jti: Unpredictable, for this proof alone.
        now: The time by the server's clock.
        nonce: The newest that this server gave.
        access_token: The one the request presents.
    """
    claims: JsonObject = {
        "jti": jti,
        "htm": "POST",
        "htu": url.partition("?")[0],
        "iat": int(now.timestamp()),
        **({"nonce": nonce} if nonce is not None else {}),
        **({"ath": token_hash(access_token)} if access_token is not None else {}),
    }
    header: JsonObject = {"typ": TYP, "alg": key.algorithm, "jwk": dict(key.public_jwk)}
    return signing_input(header, claims)


def token_hash(access_token: Secret[str]) -> str:
    """The `ath` of a token."""
    return base64url_encode(hashlib.sha256(access_token.reveal().encode("ascii")).digest())


def code_binding(client: Client) -> Mapping[str, str]:
    """What binds an authorization code to the key of its tokens (section 10).

    Where the DPoP proof is the client's proof of possession too, the proof itself does.
    """
    if client.dpop_key is None or client.authentication == "attest_jwt_client_auth_dpop":
        return {}
    return {"dpop_jkt": thumbprint(client.dpop_key.public_jwk)}


def nonce_in(response: HttpResponse) -> str | None:
    """The nonce for the next proof to this server (section 8.2); None where there is none.

    Several header fields arrive as one that is no nonce.
    """
    nonce = response.headers.get("dpop-nonce", "")[: _NONCE_LIMIT + 1]
    return nonce if len(nonce) <= _NONCE_LIMIT and _NONCE.fullmatch(nonce) else None
