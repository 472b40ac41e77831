"""Client authentication: the choice of a method, and private_key_jwt (RFC 7523)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.support.keys import TestKey
from wallet.errors import Unsupported
from wallet.oauth.client_authentication import Authentication, assertion_input, authentication_at
from wallet.oauth.server_metadata import ServerMetadata

ISSUER = "https://as.example"
ALL: Sequence[Authentication] = (
    "none",
    "private_key_jwt",
    "attest_jwt_client_auth",
    "attest_jwt_client_auth_dpop",
)


def server(*methods: str) -> ServerMetadata:
    return ServerMetadata(issuer=ISSUER, token_endpoint_auth_methods_supported=methods)


def test_the_best_method_both_know() -> None:
    taken = server("none", "client_secret_basic", "private_key_jwt", "attest_jwt_client_auth")
    assert authentication_at(taken, ALL, anonymous=False) == "attest_jwt_client_auth"
    assert authentication_at(taken, ["none", "private_key_jwt"], anonymous=False) == (
        "private_key_jwt"
    )
    assert authentication_at(taken, ["none"], anonymous=False) == "none"
    newer = server("attest_jwt_client_auth_dpop")
    assert authentication_at(newer, ALL, anonymous=False) == "attest_jwt_client_auth_dpop"


def test_who_may_know_public_clients_without_saying_so() -> None:
    assert authentication_at(ServerMetadata(issuer=ISSUER), ALL, anonymous=False) == "none"
    general = server("private_key_jwt", "client_secret_basic", "tls_client_auth")
    assert authentication_at(general, ["none"], anonymous=False) == "none"
    assert authentication_at(general, ALL, anonymous=False) == "private_key_jwt"


def test_tok_03_anonymous_where_that_is_allowed() -> None:
    taken = server("private_key_jwt")
    assert authentication_at(taken, ["none"], anonymous=True) == "none"
    assert authentication_at(taken, ALL, anonymous=True) == "private_key_jwt"


def test_nothing_in_common() -> None:
    for methods, able in ((("tls_client_auth",), ALL), (("none",), ["private_key_jwt"])):
        with pytest.raises(Unsupported, match=methods[0]) as caught:
            authentication_at(server(*methods), able, anonymous=False)  # type: ignore[arg-type]
        assert caught.value.code == "client_authentication_unsupported"


@pytest.mark.parametrize("kid", [None, "key-1"])
def test_the_assertion(kid: str | None) -> None:
    key, now = TestKey.new(), datetime.now(UTC)
    signed = assertion_input("wallet", ISSUER, algorithm="ES256", kid=kid, jti="j", now=now)
    public: dict[str, Any] = dict(key.holder.public_jwk)
    token = jwt.decode(key.jwt(signed), ECKey.import_key(public))
    issued = int(now.timestamp())
    assert token.header == {"alg": "ES256", **({"kid": kid} if kid else {})}
    assert token.claims == {
        "iss": "wallet",
        "sub": "wallet",
        "aud": ISSUER,  # HAIP-09: the string alone
        "jti": "j",
        "iat": issued,
        "exp": issued + 60,
    }
