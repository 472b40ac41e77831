"""Access tokens: RFC 9068 JWTs, bound to a DPoP key where the client has one (RFC 9449)."""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from joserfc.jwk import ECKey

from reference_servers.authorization_server.database import Authorization, Client
from reference_servers.authorization_server.settings import Settings
from reference_servers.authorization_server.token_status import TokenStatus

# Authlib has no types: what comes out of its base classes is `Any`.
# mypy: disable-error-code="misc"


@dataclass(frozen=True)
class Grantee:
    """Who gets a token, and for what: Authlib's "user" of a token request.

    Attributes:
        authorization: What was consented to.
        scope: The part of it that the token has.
        authorization_details: The details the token names; None where it names none.
        dpop_jkt: The key the token is bound to; None for a bearer token.
    """

    authorization: Authorization
    scope: str
    authorization_details: Sequence[Mapping[str, Any]] | None
    dpop_jkt: str | None

    def get_user_id(self) -> str:
        """The subject identifier."""
        return self.authorization.subject


class AccessTokens(JWTBearerTokenGenerator):
    """Makes token responses for the credential issuer."""

    def __init__(self, settings: Settings, key: ECKey, status: TokenStatus) -> None:
        super().__init__(
            settings.public_url,
            alg="ES256",
            refresh_token_generator=(
                _refresh_token if "refresh_token" in settings.grant_types else None
            ),
            expires_generator=settings.token_lifetime_s,
        )
        self._lifetime_s = settings.token_lifetime_s
        self._jwk = key.as_dict(private=True)
        self._status = status

    def get_jwks(self) -> dict[str, Any]:
        """The signing key."""
        return dict(self._jwk)

    def get_audiences(self, client: Client, user: Grantee, scope: str) -> str:  # noqa: ARG002
        """The credential issuer."""
        return user.authorization.audience

    def get_extra_claims(
        self,
        client: Client,  # noqa: ARG002
        grant_type: str,  # noqa: ARG002
        user: Grantee,
        scope: str,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Where its status is, the key it is bound to, and the details consented to."""
        status = self._status.add(user.authorization.id, time.time() + self._lifetime_s)
        bound = {"cnf": {"jkt": user.dpop_jkt}} if user.dpop_jkt else {}
        details = user.authorization_details
        return {
            "status": status,
            **bound,
            **({"authorization_details": details} if details is not None else {}),
        }


def _refresh_token(**_: object) -> str:
    return secrets.token_urlsafe(32)
