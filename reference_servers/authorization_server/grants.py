"""The grants: authorization code, pre-authorized code, refresh token.

Everything that can be wrong is checked before anything is used up.
"""

import hmac
import time
from typing import Any, ClassVar, Final

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, BaseGrant, TokenEndpointMixin
from authlib.oauth2.rfc6749.grants import RefreshTokenGrant as AuthlibRefreshTokenGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from sqlalchemy import update
from sqlalchemy.orm import InstrumentedAttribute

from reference_servers.authorization_server.credential_requests import grantable, narrowed
from reference_servers.authorization_server.database import (
    Authorization,
    AuthorizationCode,
    Client,
    PreAuthorizedCode,
    PushedRequest,
    RefreshToken,
)
from reference_servers.authorization_server.settings import PRE_AUTHORIZED_CODE
from reference_servers.authorization_server.tokens import Grantee
from reference_servers.storage import digest

ANONYMOUS: Final = Client(
    client_id="", name="", redirect_uris=[], native=False, methods=["none"], jwks={}
)

# Authlib has no types: what comes out of its base classes is `Any`.
# mypy: disable-error-code="misc, no-untyped-call"


class S256Only(CodeChallenge):
    """PKCE as RFC 9700 wants it: always, and only S256."""

    SUPPORTED_CODE_CHALLENGE_METHOD: ClassVar = ["S256"]

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:  # noqa: ANN401
        """Refuse a request without an S256 challenge."""
        parameters = grant.request.payload.data
        if parameters.get("code_challenge_method") != "S256" or not parameters.get(
            "code_challenge"
        ):
            raise InvalidRequestError("A code_challenge with method S256 is required.")
        super().validate_code_challenge(grant, redirect_uri)

    def validate_code_verifier(self, grant: Any, result: Any) -> None:  # noqa: ANN401
        """A verifier that is missing is a wrong one (RFC 7636, section 4.6)."""
        if "code_verifier" not in grant.request.form:
            raise InvalidGrantError("The code_verifier is missing.")
        super().validate_code_verifier(grant, result)


class Granting(BaseGrant):
    """What the grants have in common: whom a token is bound to, and what it is for."""

    @property
    def TOKEN_ENDPOINT_AUTH_METHODS(self) -> list[str]:  # noqa: N802 - Authlib's name
        """Those of the settings."""
        return list(self.server.settings.methods)

    def prepare(
        self, authorization: Authorization, *, scope: str | None = None, rebind: bool = False
    ) -> None:
        """Check keys and narrowing, and note who gets the token.

        Args:
            authorization: What is to be redeemed.
            scope: The part of its scope that is asked for; None for all.
            rebind: Whether another DPoP key than before will do.

        Raises:
            OAuth2Error: The client is not the one it was given to, or asks for more.
        """
        request = self.request
        if authorization.instance not in (None, request.instance):
            raise InvalidGrantError("It belongs to another instance of the client.")
        request.dpop_jkt = self.server.dpop_jkt(request, "token")
        if not rebind and authorization.dpop_jkt not in (None, request.dpop_jkt):
            raise InvalidGrantError("It is bound to another DPoP key.")
        if request.dpop_jkt is None and self.server.settings.require_dpop:
            raise self.server.dpop_error("A DPoP proof is required.")
        parameters, audience = request.payload.data, authorization.audience
        self.server.check_resource(parameters, audience)
        scope, details = scope or authorization.scope, None
        if authorization.by_details or self.server.settings.details_always:
            details = authorization.authorization_details
        if value := parameters.get("authorization_details"):
            consented = authorization.authorization_details
            scope, details = "", narrowed(value, consented, audience, self.server.leniency)
        request.user = Grantee(authorization, scope, details, request.dpop_jkt)

    def generate_token(self, **settings: Any) -> dict[str, Any]:  # noqa: ANN401
        """A token for what `prepare` found."""
        token: dict[str, Any] = super().generate_token(
            **{**settings, "scope": self.request.user.scope}
        )
        return token

    def use_up(
        self,
        key: InstrumentedAttribute[str],
        row: AuthorizationCode | PreAuthorizedCode | RefreshToken,
    ) -> None:
        """Mark as used; of two at the same time one fails, and revokes the other's tokens."""
        kind = type(row)
        unused = update(kind).where(key == getattr(row, key.key), kind.used.is_(False))
        with self.server.sessions.begin() as db:
            first = db.execute(unused.values(used=True)).rowcount == 1
        if not first:
            self.server.token_status.revoke(row.authorization_id)
            raise InvalidGrantError("It was used before.")

    def answered(
        self, response: tuple[int, dict[str, Any], Any]
    ) -> tuple[int, dict[str, Any], Any]:
        """The token response; with `authorization_details` where they were used (section 6.2)."""
        status, token, headers = response
        grantee: Grantee = self.request.user
        if grantee.authorization_details is not None:
            token["authorization_details"] = grantee.authorization_details
        if grantee.dpop_jkt is not None:
            token["token_type"] = "DPoP"  # noqa: S105 - RFC 9449, section 5
        token = self.server.faults.at("token document", token)
        return status, token, [*headers, *self.server.fresh(self.request)]


class CodeGrant(Granting, AuthorizationCodeGrant):
    """The authorization code grant; codes live a minute, once."""

    @staticmethod
    def validate_authorization_redirect_uri(request: Any, client: Client) -> str:  # noqa: ANN401
        """The redirect URI; Authlib's own words would repeat what the client sent."""
        redirect_uri = request.payload.redirect_uri
        if not redirect_uri or not client.check_redirect_uri(redirect_uri):
            raise InvalidRequestError("The redirect_uri is missing or not allowed.")
        return str(redirect_uri)

    def save_authorization_code(self, code: str, request: Any) -> None:  # noqa: ANN401
        """Keep a code with all it is bound to."""
        parameters, now = request.payload.data, time.time()
        with self.server.sessions.begin() as db:
            db.add(
                AuthorizationCode(
                    code=digest(code),
                    authorization=Authorization(
                        client_id=request.client.client_id,
                        subject=request.user.subject,
                        scope=" ".join(sorted({one.scope for one in request.asked if one.scope})),
                        authorization_details=grantable(request.asked),
                        by_details=any(one.detail for one in request.asked),
                        audience=request.asked[0].credential_issuer,
                        dpop_jkt=parameters.get("dpop_jkt"),
                        instance=request.instance,
                        expires_at=self.server.settings.kept_until(now),
                    ),
                    redirect_uri=parameters["redirect_uri"],
                    code_challenge=parameters["code_challenge"],
                    code_challenge_method=parameters["code_challenge_method"],
                    request_uri=request.request_uri,
                    expires_at=now + self.server.settings.code_lifetime_s,
                )
            )

    def query_authorization_code(self, code: str, client: Client) -> AuthorizationCode | None:
        """A code that can be redeemed. One that was used revokes what came of it."""
        with self.server.sessions() as db:
            found = db.get(AuthorizationCode, digest(code))
        if found is None or found.authorization.client_id != client.client_id:
            return None
        if found.used:
            self.server.token_status.revoke(found.authorization_id)
            return None
        return found if found.expires_at > time.time() else None

    def validate_token_request(self) -> None:
        """Client, code, redirect URI and verifier, then keys and what is asked for."""
        super().validate_token_request()
        self.prepare(self.request.authorization_code.authorization)

    def authenticate_user(self, authorization_code: AuthorizationCode) -> Grantee:  # noqa: ARG002
        """The person who consented."""
        grantee: Grantee = self.request.user
        return grantee

    def delete_authorization_code(self, authorization_code: AuthorizationCode) -> None:
        """Mark it as used, and end the request it answered."""
        self.use_up(AuthorizationCode.code, authorization_code)
        with self.server.sessions.begin() as db:
            answered = db.query(PushedRequest).filter_by(request_uri=authorization_code.request_uri)
            answered.delete()

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        """The token."""
        return self.answered(super().create_token_response())


class PreAuthorizedCodeGrant(Granting, TokenEndpointMixin):
    """OpenID4VCI 1.0, section 6.1: a code that an issuer asked for, with a transaction code."""

    GRANT_TYPE = PRE_AUTHORIZED_CODE

    def validate_token_request(self) -> None:
        """Client, both codes, keys and what is asked for; a wrong transaction code counts."""
        parameters, server = self.request.payload.data, self.server
        self.request.client = self._client()
        code, tx_code = parameters.get("pre-authorized_code"), parameters.get("tx_code")
        if code is None:
            raise InvalidRequestError("The pre-authorized_code is missing.")
        with server.sessions() as db:
            found = db.get(PreAuthorizedCode, digest(code))
        if found is None:
            raise InvalidGrantError("There is no such pre-authorized code.")
        if found.used:
            if found.tx_code is None or _matches(found.tx_code, code, tx_code or ""):
                server.token_status.revoke(found.authorization_id)
            raise InvalidGrantError("The pre-authorized code was used before.")
        if found.expires_at <= time.time():
            raise InvalidGrantError("The pre-authorized code has expired.")
        if found.tx_code is not None and tx_code is None:
            raise InvalidRequestError("A tx_code is required.")
        if (
            found.tx_code is None
            and tx_code is not None
            and not server.leniency.forgives("unexpected_tx_code")
        ):
            raise InvalidRequestError("No tx_code is expected.")
        self.prepare(found.authorization)
        if found.tx_code is not None:
            self._guess(found, code, tx_code or "")
        self.request.authorization_code = found

    def _client(self) -> Client:
        """Who redeems it; a client without a name where that is allowed."""
        if self.server.presents_client(self.request):
            client: Client = self.authenticate_token_endpoint_client()
            return client
        if self.server.settings.anonymous_access or self.server.leniency.forgives(
            "anonymous_access"
        ):
            return ANONYMOUS
        raise InvalidClientError("This server wants to know the client.")

    def _guess(self, found: PreAuthorizedCode, code: str, tx_code: str) -> None:
        """Count a try before it is looked at: guesses that come together are all counted."""
        alive = update(PreAuthorizedCode).where(
            PreAuthorizedCode.code == found.code,
            PreAuthorizedCode.used.is_(False),
            PreAuthorizedCode.tries < self.server.settings.tx_code_tries,
        )
        with self.server.sessions.begin() as db:
            counted = db.execute(alive.values(tries=PreAuthorizedCode.tries + 1)).rowcount == 1
        if not counted:
            raise InvalidGrantError("There were too many wrong transaction codes.")
        if not _matches(found.tx_code or "", code, tx_code):
            raise InvalidGrantError("The transaction code is wrong.")

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        """The token; the code is used up with it."""
        request = self.request
        token = self.generate_token(
            user=request.user,
            include_refresh_token=request.client.check_grant_type("refresh_token"),
        )
        self.save_token(token)
        self.use_up(PreAuthorizedCode.code, request.authorization_code)
        return self.answered((200, token, self.TOKEN_RESPONSE_HEADER))


def _matches(kept: str, code: str, tx_code: str) -> bool:
    return hmac.compare_digest(kept, hashed_tx_code(code, tx_code))


def hashed_tx_code(code: str, tx_code: str) -> str:
    """What is kept of a transaction code: without the code it belongs to it cannot be guessed."""
    return digest(f"{code} {tx_code}")


class RefreshTokenGrant(Granting, AuthlibRefreshTokenGrant):
    """Refresh tokens rotate; one that comes again ends them all (RFC 9700, section 4.14.2)."""

    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        """A refresh token that can be used."""
        with self.server.sessions() as db:
            found = db.get(RefreshToken, digest(refresh_token))
        if found is None or found.authorization.revoked:
            return None
        if found.used:
            self.server.token_status.revoke(found.authorization_id)
            return None
        return found if found.expires_at > time.time() else None

    def validate_token_request(self) -> None:
        """Client, token and scope, then keys: a client that authenticates may change its key."""
        super().validate_token_request()
        self.prepare(
            self.request.refresh_token.authorization,
            scope=self.request.payload.scope,
            rebind=self.request.auth_method != "none",
        )

    def authenticate_user(self, refresh_token: RefreshToken) -> Grantee:  # noqa: ARG002
        """The person who consented."""
        grantee: Grantee = self.request.user
        return grantee

    def revoke_old_credential(self, refresh_token: RefreshToken) -> None:
        """Mark it as used."""
        self.use_up(RefreshToken.token, refresh_token)

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        """The tokens."""
        return self.answered(super().create_token_response())


class LastingRefreshTokenGrant(RefreshTokenGrant):
    """Refresh tokens stay, as they are bound to their client (FAPI 2.0, 5.3.2.1, item 9)."""

    INCLUDE_NEW_REFRESH_TOKEN = False

    def revoke_old_credential(self, refresh_token: RefreshToken) -> None:
        """Leave it as it is."""
