"""How clients authenticate: by a signed assertion (RFC 7523), or by an attestation (draft -07).

Public clients, which only say who they are, are Authlib's own method `none`.
"""

import base64
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc import jwk, jwt
from joserfc.errors import JoseError
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from reference_servers.authorization_server.database import Client, SeenJwt
from reference_servers.authorization_server.leniency import Leniency
from reference_servers.authorization_server.requests import Request
from reference_servers.chains import anchors, leaf_key
from reference_servers.jwts import (
    JwtError,
    check_times,
    claims_of,
    header_of,
    public_key,
    seconds,
)
from reference_servers.storage import digest

CHALLENGE_HEADER: Final = "OAuth-Client-Attestation-Challenge"
CHALLENGE_S: Final = 300
"""How long one challenge is handed out; it is taken for as long again."""
AGE_S: Final = 300
"""How far the `iat` of a PoP may be from now."""
ASSERTION_S: Final = 3600
"""How long a client assertion may live."""
JTI_LIMIT: Final = 500

QueryClient = Callable[[str], Client | None]

# Authlib has no types: what comes out of its base classes is `Any`.
# mypy: disable-error-code="misc"


class InvalidClientAttestationError(OAuth2Error):
    """Draft -07, section 6.2."""

    error = "invalid_client_attestation"


class UseFreshAttestationError(OAuth2Error):
    """Draft -07, section 6.2."""

    error = "use_fresh_attestation"


class UseAttestationChallengeError(OAuth2Error):
    """Draft -07, section 6.2; brings the challenge along."""

    error = "use_attestation_challenge"

    def __init__(self, challenge: str) -> None:
        super().__init__("The PoP needs a fresh challenge of this server.")
        self._challenge = challenge

    def get_headers(self) -> list[tuple[str, str]]:
        """With the challenge to use."""
        return [*super().get_headers(), (CHALLENGE_HEADER, self._challenge)]


class OneTime:
    """Remembers JWTs that are good once, by who signed them and their `jti`."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def first(self, signer: str, jti: object, expires_at: float) -> bool:
        """Whether it was not seen before: of any number at the same time, one is the first."""
        if not isinstance(jti, str) or not 0 < len(jti) <= JTI_LIMIT:
            return False
        used = insert(SeenJwt).values(id=digest(f"{signer} {jti}"), expires_at=expires_at)
        try:
            with self._sessions.begin() as db:
                db.execute(used)
        except IntegrityError:
            return False
        return True


class PrivateKeyJwt(JWTBearerClientAssertion):
    """`private_key_jwt`, with the audience as FAPI 2.0 wants it: the issuer identifier."""

    CLIENT_AUTH_METHOD = "private_key_jwt"

    def __init__(self, issuer: str, one_time: OneTime, leniency: Leniency) -> None:
        super().__init__()
        self._issuer = issuer
        self._one_time = one_time
        self._leniency = leniency

    def extract_assertion(self, assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Header and claims, not verified yet; Authlib does not expect deep ones."""
        try:
            header, claims = super().extract_assertion(assertion)
        except RecursionError:
            raise InvalidClientError("Invalid JWT payload.") from None
        return header, claims

    def get_audiences(self) -> list[str]:
        """This server, and its endpoints where that is forgiven."""
        return [self._issuer, f"{self._issuer}/token", f"{self._issuer}/par"]

    def resolve_client_public_key(self, client: Client) -> jwk.KeySet:
        """The client's registered keys.

        Raises:
            InvalidClientError: It has none, because it authenticates in another way.
        """
        if not client.jwks:
            raise InvalidClientError("The client has no key.")
        return jwk.KeySet.import_key_set({"keys": client.jwks["keys"]})

    def process_assertion_claims(
        self, assertion: str, resolve_key: jwk.KeySet
    ) -> Mapping[str, Any]:
        """The claims, signature checked: ES256 only, as announced."""
        try:
            claims = jwt.decode(assertion, resolve_key, algorithms=["ES256"]).claims
        except (JoseError, ValueError):
            raise InvalidClientError("The client assertion is not signed by the client.") from None
        self.verify_claims(claims)
        return claims

    def verify_claims(self, claims: dict[str, Any]) -> None:
        """Those of RFC 7523, section 3; of several audiences it takes none."""
        audience, expires_at = claims.get("aud"), seconds(claims, "exp")
        if audience != self._issuer and not (
            audience in self.get_audiences() and self._leniency.forgives("assertion_audience")
        ):
            raise InvalidClientError("The client assertion is not for this server.")
        if expires_at is None or expires_at > time.time() + ASSERTION_S:
            raise InvalidClientError("The client assertion lives too long.")
        try:
            check_times(claims)
        except JwtError as error:
            raise InvalidClientError(f"{error}.".capitalize()) from None
        super().verify_claims(claims)

    def validate_jti(self, claims: Mapping[str, Any], jti: object) -> bool:
        """Whether it is used for the first time."""
        return self._one_time.first(f"client {claims['sub']}", jti, claims["exp"] + self.leeway)


class Challenges:
    """Challenges for attestation PoPs: a MAC over a stretch of time, so that none is kept."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def fresh(self) -> str:
        """The challenge to hand out now."""
        return self._challenge(int(time.time() // CHALLENGE_S))

    def holds(self, challenge: object) -> bool:
        """Whether it was handed out lately."""
        now = int(time.time() // CHALLENGE_S)
        return challenge in (self._challenge(now), self._challenge(now - 1))

    def _challenge(self, stretch: int) -> str:
        mac = hmac.digest(self._secret, b"attestation challenge %d" % stretch, "sha256")
        return base64.urlsafe_b64encode(mac[:18]).decode()


class ClientAttestation:
    """`attest_jwt_client_auth`: wallet providers' attestations under configured anchors.

    OpenID4VCI 1.0, appendix E; draft-ietf-oauth-attestation-based-client-auth-07.
    """

    def __init__(
        self,
        issuer: str,
        anchors_file: Path,
        challenges: Challenges,
        one_time: OneTime,
        leniency: Leniency,
    ) -> None:
        self._issuer = issuer
        self._anchors = anchors(anchors_file)
        self._challenges = challenges
        self._one_time = one_time
        self._leniency = leniency

    def __call__(self, query_client: QueryClient, request: Request) -> Client | None:
        """The client, or None where the request has no attestation.

        Raises:
            OAuth2Error: It has one that is not good.
        """
        attestation = request.headers.getlist("oauth-client-attestation")
        pop = request.headers.getlist("oauth-client-attestation-pop")
        if not attestation and not pop:
            return None
        if "client_assertion" in request.payload.data:
            raise InvalidRequestError("The client authenticates in two ways.")
        try:
            attested = self._attested(_only(attestation))
            client_id = attested["sub"]
            key = public_key(attested["cnf"].get("jwk"))
            self._check_pop(_only(pop), client_id, key)
        except JwtError as error:
            raise InvalidClientAttestationError(f"{error}.".capitalize()) from None
        if request.payload.client_id not in (None, client_id):
            raise InvalidClientAttestationError("The attestation is for another client_id.")
        client = query_client(client_id)
        if client is None:
            raise InvalidClientError("The client does not exist on this server.")
        request.instance = key.thumbprint()
        return client

    def _attested(self, token: str) -> Mapping[str, Any]:
        header = header_of(token)
        if header.get("typ") != "oauth-client-attestation+jwt":
            raise JwtError("typ is not oauth-client-attestation+jwt")
        claims = claims_of(token, leaf_key(header.get("x5c"), self._anchors))
        check_times(claims)
        now, not_before = time.time(), seconds(claims, "nbf") or seconds(claims, "iat") or 0
        expires_at = seconds(claims, "exp")
        if not isinstance(claims.get("sub"), str) or not isinstance(claims.get("cnf"), dict):
            raise JwtError("sub or cnf is missing")
        if not isinstance(claims.get("iss"), str) and not self._leniency.forgives(
            "attestation_iss"
        ):
            raise JwtError("iss is missing in the attestation")
        if expires_at is None or not_before > now + AGE_S:
            raise JwtError("exp is missing, or the attestation is not valid yet")
        if expires_at <= now:
            raise UseFreshAttestationError("The attestation has expired.")
        return claims

    def _check_pop(self, token: str, client_id: str, key: Any) -> None:  # noqa: ANN401
        if header_of(token).get("typ") != "oauth-client-attestation-pop+jwt":
            raise JwtError("typ is not oauth-client-attestation-pop+jwt")
        claims = claims_of(token, key)
        check_times(claims)
        issued_at, audience = seconds(claims, "iat"), claims.get("aud")
        if claims.get("iss") != client_id and not (
            "iss" not in claims and self._leniency.forgives("attestation_iss")
        ):
            raise JwtError("iss of the PoP is not the client_id")
        if self._issuer not in (audience if isinstance(audience, list) else [audience]):
            raise JwtError("the PoP is not for this server")
        if issued_at is None or abs(time.time() - issued_at) > AGE_S:
            raise JwtError("iat of the PoP is missing or too far from now")
        if not self._challenges.holds(claims.get("challenge")):
            raise UseAttestationChallengeError(self._challenges.fresh())
        signer = f"instance {key.thumbprint()}"
        if not self._one_time.first(signer, claims.get("jti"), issued_at + AGE_S):
            raise JwtError("jti of the PoP is missing, or was used before")


def _only(values: Sequence[str]) -> str:
    if len(values) != 1:
        raise JwtError("exactly one attestation with one PoP is needed")
    return values[0]
