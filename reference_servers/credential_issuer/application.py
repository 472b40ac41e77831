"""The endpoints of the credential issuer."""

import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy.orm import Session, sessionmaker
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from reference_servers import serving
from reference_servers.configuration import seeds
from reference_servers.credential_issuer.access_tokens import AccessToken, AccessTokens
from reference_servers.credential_issuer.certificates import signing_key
from reference_servers.credential_issuer.configurations import configurations, issuer_metadata
from reference_servers.credential_issuer.database import Base, Dataset, Nonce
from reference_servers.credential_issuer.errors import (
    NO_STORE,
    AccessTokenError,
    CredentialRequestError,
    UnavailableError,
)
from reference_servers.credential_issuer.key_proofs import proven_key
from reference_servers.credential_issuer.offers import FOLDER, Offers
from reference_servers.credential_issuer.sd_jwt_vc import disclosable, issue
from reference_servers.credential_issuer.settings import Settings
from reference_servers.storage import digest, open_database, sweep


async def read_body(request: Request) -> bytes:
    """The body of a request."""
    return await request.body()


BODY: Any = Depends(read_body)


class Endpoints:
    """Every endpoint. Those that use the database run on worker threads, off the event loop."""

    def __init__(self, settings: Settings, sessions: sessionmaker[Session]) -> None:
        self._settings = settings
        self._sessions = sessions
        self._metadata = issuer_metadata(settings.public_url, settings.authorization_server)
        self._configurations = self._metadata["credential_configurations_supported"]
        self._key = signing_key(sessions, settings.public_url, settings.data_dir)
        self._tokens = AccessTokens(
            settings.authorization_server,
            settings.public_url,
            ca_file=settings.ca_file,
            introspection=settings.introspection,
        )

    def metadata(self) -> Response:
        """OpenID4VCI 1.0, section 12.2.2."""
        return JSONResponse(self._metadata)

    def anchor(self) -> Response:
        """The demo CA's certificate."""
        return Response(self._key.anchor_pem, media_type="application/x-pem-file")

    def nonce(self) -> Response:
        """OpenID4VCI 1.0, section 7: a fresh `c_nonce`, good for one key proof."""
        value = secrets.token_urlsafe(32)
        expires_at = time.time() + self._settings.nonce_lifetime_s
        with self._sessions.begin() as db:
            sweep(db, Base)
            db.add(Nonce(value=digest(value), expires_at=expires_at))
        return JSONResponse({"c_nonce": value}, headers=NO_STORE)

    def _use_nonce(self, value: str) -> bool:
        """Use up a nonce: of any number of requests at the same time, one succeeds."""
        live = (Nonce.value == digest(value), Nonce.expires_at >= time.time())
        with self._sessions.begin() as db:
            return db.query(Nonce).filter(*live).delete() == 1

    def credential(self, request: Request, body: bytes = BODY) -> Response:
        """OpenID4VCI 1.0, section 8."""
        try:
            token = self._tokens.read(request.headers.getlist("authorization"))
            return self._issued(token, _json_body(request, body))
        except (AccessTokenError, CredentialRequestError, UnavailableError) as error:
            return error.response()

    def _issued(self, token: AccessToken, asked: Mapping[str, Any]) -> Response:
        name = self._authorized_configuration(token, asked)
        with self._sessions() as db:
            dataset = db.get(Dataset, (token.subject, name))
        holder_jwk = proven_key(
            asked.get("proofs"),
            credential_issuer=self._settings.public_url,
            client_id=token.client_id,
            use_nonce=self._use_nonce,
        )
        if dataset is None:
            raise CredentialRequestError(
                "credential_request_denied", "there is no such credential for this person"
            )
        credential = issue(
            dataset.claims,
            vct=self._configurations[name]["vct"],
            credential_issuer=self._settings.public_url,
            holder_jwk=holder_jwk,
            key=self._key,
            lifetime_days=self._settings.credential_lifetime_days,
        )
        return JSONResponse({"credentials": [{"credential": credential}]}, headers=NO_STORE)

    def _authorized_configuration(self, token: AccessToken, asked: Mapping[str, Any]) -> str:
        """The configuration that is asked for, if the token allows it (section 8.2)."""
        by_identifier = "credential_identifier" in asked
        if by_identifier == ("credential_configuration_id" in asked):
            raise CredentialRequestError(
                "invalid_credential_request",
                "exactly one of credential_identifier and credential_configuration_id is needed",
            )
        if "credential_response_encryption" in asked:
            raise CredentialRequestError(
                "invalid_encryption_parameters", "this issuer does not encrypt responses"
            )
        if by_identifier:
            identifier = asked["credential_identifier"]
            for detail in token.authorization_details:
                if identifier in detail.get("credential_identifiers", []):
                    return str(detail["credential_configuration_id"])
            raise CredentialRequestError(
                "unknown_credential_identifier", "the access token does not name it"
            )
        name = asked["credential_configuration_id"]
        if not isinstance(name, str) or name not in self._configurations:
            raise CredentialRequestError(
                "unknown_credential_configuration", "this issuer has no such configuration"
            )
        if token.authorization_details:
            raise CredentialRequestError(
                "invalid_credential_request", "a credential_identifier was given: use it"
            )
        if self._configurations[name]["scope"] not in token.scopes:
            raise AccessTokenError("insufficient_scope", "the access token is for other scopes")
        return name


def _json_body(request: Request, body: bytes) -> Mapping[str, Any]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        document = json.loads(body) if media_type == "application/json" else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise CredentialRequestError(
            "invalid_credential_request", "the body is not a JSON object as application/json"
        )
    return document


class DatasetSeed(BaseModel):
    """An element of the file of datasets."""

    subject: str
    configuration: str
    claims: dict[str, Any]


def prepare(settings: Settings) -> sessionmaker[Session]:
    """Open the database and add new datasets."""
    sessions = open_database(settings.database, Base)
    known = configurations(settings.public_url)
    with sessions.begin() as db:
        sweep(db, Base)
        for one in seeds(settings.datasets_file, DatasetSeed):
            if one.configuration not in known:
                message = f"{settings.datasets_file}: an unknown configuration"
                raise ValueError(message)
            disclosable(one.claims)
            db.merge(
                Dataset(
                    subject=one.subject,
                    credential_configuration_id=one.configuration,
                    claims=one.claims,
                )
            )
    return sessions


def application(settings: Settings) -> FastAPI:
    """The application, its state ready."""
    sessions = prepare(settings)
    endpoints, offers = Endpoints(settings, sessions), Offers(settings, sessions)
    app = serving.application(
        settings.path,
        ("openid-credential-issuer", endpoints.metadata),
        (
            ("GET", "/ca.pem", endpoints.anchor),
            ("POST", "/nonce", endpoints.nonce),
            ("POST", "/credential", endpoints.credential),
            ("GET", "/", offers.home),
            ("POST", "/offers", offers.make),
            ("GET", "/offers/{offer_id}", offers.page),
            ("GET", "/offers/{offer_id}/qr.png", offers.picture),
            ("GET", "/credential-offers/{offer_id}", offers.document),
        ),
        offers.error_page,
    )
    app.mount(f"{settings.path}/static", StaticFiles(directory=FOLDER / "static"))
    return app
