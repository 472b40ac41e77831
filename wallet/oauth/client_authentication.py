"""How the wallet authenticates at an authorization server (RFC 6749, section 2.3; RFC 7523)."""

from collections.abc import Collection
from datetime import datetime
from typing import Final, Literal

from wallet.errors import Unsupported
from wallet.oauth.jwt import signing_input
from wallet.oauth.server_metadata import ServerMetadata
from wallet.records import JsonObject

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFETIME_S: Final = 60

Authentication = Literal[
    "none", "private_key_jwt", "attest_jwt_client_auth", "attest_jwt_client_auth_dpop"
]
"""IANA "OAuth Token Endpoint Authentication Methods" that the wallet knows."""

_BEST_FIRST: Final[tuple[Authentication, ...]] = (
    "attest_jwt_client_auth",
    "attest_jwt_client_auth_dpop",
    "private_key_jwt",
    "none",
)


def authentication_at(
    server: ServerMetadata, able: Collection[Authentication], *, anonymous: bool
) -> Authentication:
    """The best method that the server takes and the wallet is `able` to use.

    Where the client may stay `anonymous`, "none" is one of them. It is taken for one, too, of a
    server that names no methods (the default of RFC 8414 is nothing for a native application, RFC
    8252, section 8.5), and of one that takes passwords of web applications: these often know public
    clients without saying so.

    Raises:
        Unsupported: `client_authentication_unsupported`, naming what the server takes.
    """
    named = server.token_endpoint_auth_methods_supported
    taken = list(named or ())
    if anonymous or named is None or any(one.startswith("client_secret_") for one in named):
        taken.append("none")
    for method in _BEST_FIRST:
        if method in taken and method in able:
            return method
    raise Unsupported(
        "client_authentication_unsupported",
        f"{server.issuer[:200]} takes {', '.join(taken)[:200]}",
        rule="RFC 8414, section 2",
    )


def assertion_input(
    client_id: str, server: str, *, algorithm: str, kid: str | None, jti: str, now: datetime
) -> bytes:
    """What the client's key signs of a client assertion (RFC 7523, sections 2.2 and 3).

    The audience is the server's issuer identifier alone, as FAPI 2.0 wants it.
    """
    header: JsonObject = {"alg": algorithm, **({"kid": kid} if kid is not None else {})}
    issued = int(now.timestamp())
    claims: JsonObject = {
        "iss": client_id,
        "sub": client_id,
        "aud": server,
        "jti": jti,
        "iat": issued,
        "exp": issued + ASSERTION_LIFETIME_S,
    }
    return signing_input(header, claims)
