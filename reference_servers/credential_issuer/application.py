"""The endpoints of the credential issuer."""

import json
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy.orm import Session, sessionmaker
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from reference_servers import serving
from reference_servers.chains import anchors
from reference_servers.configuration import seeds
from reference_servers.credential_issuer import status_list
from reference_servers.credential_issuer.access_tokens import (
    AccessToken,
    AccessTokens,
    AuthorizationServer,
)
from reference_servers.credential_issuer.certificates import (
    SigningKey,
    document_signer,
    encryption_key,
    proof_key,
    signing_key,
)
from reference_servers.credential_issuer.configurations import (
    LOCALES,
    configurations,
    issuer_metadata,
)
from reference_servers.credential_issuer.credential_requests import CredentialRequests, json_object
from reference_servers.credential_issuer.database import Base, Dataset, Nonce, SeenProof
from reference_servers.credential_issuer.encryption import Encryption, Recipient
from reference_servers.credential_issuer.errors import (
    NO_STORE,
    AccessTokenError,
    CredentialRequestError,
    UnavailableError,
)
from reference_servers.credential_issuer.formats import Formats, check_claims
from reference_servers.credential_issuer.issuing import Issuing
from reference_servers.credential_issuer.key_attestations import KeyAttestations
from reference_servers.credential_issuer.key_proofs import ProofRules
from reference_servers.credential_issuer.languages import in_language, language
from reference_servers.credential_issuer.leniency import Leniency
from reference_servers.credential_issuer.offers import FOLDER, Offers
from reference_servers.credential_issuer.operator_pages import OperatorPages
from reference_servers.credential_issuer.settings import Settings
from reference_servers.dpop import Dpop
from reference_servers.faults import Faults
from reference_servers.storage import digest, open_database, password, sweep

METADATA_TYP: Final = "openidvci-issuer-metadata+jwt"


async def read_body(request: Request) -> bytes:
    """The body of a request."""
    return await request.body()


BODY: Any = Depends(read_body)


class Endpoints:
    """Every endpoint. Those that use the database run on worker threads, off the event loop."""

    def __init__(
        self, settings: Settings, sessions: sessionmaker[Session], key: SigningKey, faults: Faults
    ) -> None:
        url = settings.public_url
        formats = Formats(
            settings,
            key,
            document_signer(sessions, settings.data_dir),
            proof_key(sessions, settings),
            faults,
        )
        rules = ProofRules(
            url,
            settings.proof_algorithms,
            settings.batch_size,
            settings.proof_types,
            settings.binding_methods,
            _attestations(settings),
        )
        self._settings = settings
        self._sessions = sessions
        self._faults = faults
        self._key = key
        self._proof_key = formats.proof_key
        self._encryption = Encryption(settings, encryption_key(sessions, settings.data_dir), faults)
        metadata = issuer_metadata(settings, rules, self._encryption.metadata())
        supported = metadata["credential_configurations_supported"]
        self._metadata = faults.at("metadata document", metadata)
        self._dpop = Dpop(
            sessions,
            SeenProof,
            password(settings.data_dir),
            nonce_required=settings.dpop_nonces,
        )
        self._tokens = AccessTokens(
            [
                AuthorizationServer(
                    server,
                    url,
                    tls=settings.tls(),
                    introspection=settings.introspection,
                )
                for server in settings.authorization_servers
            ],
            self._dpop,
            bearer=not settings.require_dpop,
        )
        self._requests = CredentialRequests(
            supported,
            rules,
            self._encryption,
            Leniency(sessions, lenient=settings.profile == "lenient"),
            self._use_nonce,
        )
        self._issuing = Issuing(settings, sessions, supported, formats, faults)

    # What is published.

    def metadata(self, request: Request) -> Response:
        """OpenID4VCI 1.0, section 12.2.2: as JSON, or signed where that is asked for."""
        metadata, headers = self._metadata, {"Vary": "Accept"}
        if self._settings.one_language:
            headers["Vary"] = "Accept, Accept-Language"
            locale = language(request.headers.get("accept-language", ""), LOCALES)
            if locale is not None:
                metadata = in_language(metadata, locale)
                headers["Content-Language"] = locale
        accept = request.headers.get("accept", "")
        as_jwt, as_json = _weights(accept, "application/jwt", "application/json")
        if self._settings.signed_metadata and 0 < as_jwt >= as_json:
            claims = {**metadata, "sub": self._settings.public_url, "iat": int(time.time())}
            signed = self._key.signed(METADATA_TYP, claims, x5c=list(self._key.x5c))
            body = self._faults.at("signed metadata", signed)
            return Response(body, media_type="application/jwt", headers=headers)
        return JSONResponse(metadata, headers=headers)

    def jwt_vc_issuer(self) -> Response:
        """SD-JWT VC, section 5: the keys that credentials name by `kid`, or by a URL."""
        proofs = {**self._proof_key.jwk, "kid": self._proof_key.method, "use": "sig"}
        keys = {"keys": [self._key.public, proofs]}
        document = {"issuer": self._settings.public_url, "jwks": keys}
        return JSONResponse(self._faults.at("key set document", document))

    def controlled_identifier(self) -> Response:
        """The key that Data Integrity proofs name (CID 1.0, section 2; DID Core 1.0, section 5)."""
        key = self._proof_key
        method = {
            "id": key.method,
            "type": "JsonWebKey",
            "controller": key.controller,
            "publicKeyJwk": dict(key.jwk),
        }
        of_did = key.controller.startswith("did:")
        document = {
            "@context": "https://www.w3.org/ns/did/v1"
            if of_did
            else "https://www.w3.org/ns/cid/v1",
            "id": key.controller,
            "verificationMethod": [method],
            "assertionMethod": [key.method],
        }
        media_type = "application/did+json" if of_did else "application/cid"
        return JSONResponse(document, headers={"Vary": "Accept"}, media_type=media_type)

    def status_list(self, request: Request) -> Response:
        """Token Status List, section 8.1: as a JWT, or as a CWT where that is asked for."""
        accept, published = request.headers.get("accept", ""), self._issuing.status_list
        as_cwt, as_jwt = _weights(accept, status_list.CWT, status_list.JWT)
        headers = {"Vary": "Accept"}
        if as_cwt > as_jwt:
            return Response(published.cwt(), 200, headers, status_list.CWT)
        document = self._faults.at("status list", published.jwt())
        return Response(document, 200, headers, status_list.JWT)

    def anchor(self) -> Response:
        """The demo CA's certificate."""
        return Response(self._key.anchor_pem, media_type="application/x-pem-file")

    # Nonces.

    def nonce(self) -> Response:
        """OpenID4VCI 1.0, section 7: a fresh `c_nonce`, good for one request."""
        value = secrets.token_urlsafe(32)
        expires_at = time.time() + self._settings.nonce_lifetime_s
        with self._sessions.begin() as db:
            sweep(db, Base)
            db.add(Nonce(value=digest(value), expires_at=expires_at))
        document = self._faults.at("nonce document", {"c_nonce": value})
        return self._with_dpop_nonce(JSONResponse(document, headers=NO_STORE))

    def _use_nonce(self, value: str) -> bool:
        """Use up a nonce: of any number of requests at the same time, one succeeds."""
        live = (Nonce.value == digest(value), Nonce.expires_at >= time.time())
        with self._sessions.begin() as db:
            return db.query(Nonce).filter(*live).delete() == 1

    def _with_dpop_nonce(self, response: Response) -> Response:
        """RFC 9449, section 8.2."""
        if self._settings.dpop_nonces:
            response.headers["DPoP-Nonce"] = self._dpop.nonce()
        return response

    # What needs an access token.

    def credential(self, request: Request, body: bytes = BODY) -> Response:
        """OpenID4VCI 1.0, section 8."""

        def issued(token: AccessToken) -> Response:
            wanted = self._requests.read(token, _media_type(request), body)
            status, answer = self._issuing.answer(token, wanted.configuration, wanted.holder_jwks)
            if wanted.singular and answer.get("credentials"):
                answer = {**answer, **answer["credentials"][0]}
            return self._encoded(status, answer, wanted.recipient)

        return self._protected(request, issued)

    def deferred_credential(self, request: Request, body: bytes = BODY) -> Response:
        """OpenID4VCI 1.0, section 9."""

        def fetched(token: AccessToken) -> Response:
            media_type = _media_type(request)
            asked = json_object(self._encryption.opened(media_type, body))
            recipient = self._encryption.recipient(media_type, asked)
            answer = self._issuing.deferred_answer(token, asked.get("transaction_id"))
            return self._encoded(*answer, recipient)

        return self._protected(request, fetched)

    def notification(self, request: Request, body: bytes = BODY) -> Response:
        """OpenID4VCI 1.0, section 11."""

        def noted(token: AccessToken) -> Response:
            try:
                told = json.loads(body) if _media_type(request) == "application/json" else None
            except (ValueError, RecursionError):
                told = None
            self._issuing.notify(token, told if isinstance(told, dict) else {})
            return Response(status_code=204, headers=NO_STORE)

        return self._protected(request, noted)

    def _protected(self, request: Request, work: Callable[[AccessToken], Response]) -> Response:
        """The answer to whoever presents a good access token."""
        try:
            url = self._settings.public_url + request.url.path.removeprefix(self._settings.path)
            response = work(self._tokens.read(request, url))
        except (AccessTokenError, CredentialRequestError, UnavailableError) as error:
            response = error.response()
        return self._with_dpop_nonce(response)

    def _encoded(
        self, status: int, answer: Mapping[str, Any], recipient: Recipient | None
    ) -> Response:
        """A Credential Response; errors are never encrypted (section 10)."""
        if recipient and (sealed := self._encryption.sealed(answer, recipient)) is not None:
            return Response(sealed, status, NO_STORE, "application/jwt")
        return JSONResponse(answer, status, NO_STORE)


def _attestations(settings: Settings) -> KeyAttestations | None:
    file = settings.key_attestation_anchors_file
    if file is None:
        return None
    return KeyAttestations(
        anchors(file),
        settings.key_attestations_required,
        settings.key_storage,
        settings.user_authentication,
    )


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _weights(accept: str, *names: str) -> Sequence[float]:
    """How much an `Accept` header wants media types; wildcards count for none of them."""
    weights = dict.fromkeys(names, 0.0)
    for part in accept.split(","):
        name, _, parameters = part.partition(";")
        weight = re.search(r"\bq=([0-9.]+)", parameters)
        try:
            weights[name.strip().lower()] = float(weight[1]) if weight else 1.0
        except ValueError:
            continue
    return [weights[name] for name in names]


class DatasetSeed(BaseModel):
    """An element of the file of datasets."""

    subject: str
    configuration: str
    claims: dict[str, Any]


def prepare(settings: Settings) -> sessionmaker[Session]:
    """Open the database and add new datasets."""
    sessions = open_database(settings.database, Base)
    known = configurations(settings)
    if not {*settings.configurations, *settings.deferred, *settings.unbound} <= set(known):
        message = "configurations, deferred or unbound: an unknown configuration"
        raise ValueError(message)
    if any(known[name]["format"] == "mso_mdoc" for name in settings.unbound):
        message = "unbound: a mobile document is bound to a key"
        raise ValueError(message)
    with sessions.begin() as db:
        sweep(db, Base)
        for one in seeds(settings.datasets_file, DatasetSeed):
            if one.configuration not in known:
                message = f"{settings.datasets_file}: an unknown configuration"
                raise ValueError(message)
            check_claims(known[one.configuration], one.claims)
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
    sessions, faults = prepare(settings), Faults(settings.fault)
    key = signing_key(sessions, settings.public_url, settings.data_dir)
    endpoints = Endpoints(settings, sessions, key, faults)
    offers = Offers(settings, sessions, faults)
    pages = OperatorPages(settings, sessions, key, offers)

    def home(request: Request) -> Response:
        """The issuer's page, or as JSON the document about its keys."""
        accepted = request.headers.get("accept", "")
        if re.search(r"\bapplication/(cid|json)\b", accepted) and "text/html" not in accepted:
            return endpoints.controlled_identifier()
        page = offers.home()
        page.headers["Vary"] = "Accept"
        return page

    did_document = "/did.json" if settings.path else "/.well-known/did.json"
    app = serving.application(
        settings.path,
        ("openid-credential-issuer", endpoints.metadata),
        (
            ("GET", "/.well-known/jwt-vc-issuer", endpoints.jwt_vc_issuer),
            ("GET", did_document, endpoints.controlled_identifier),
            ("GET", "/ca.pem", endpoints.anchor),
            ("GET", "/status-list", endpoints.status_list),
            ("POST", "/nonce", endpoints.nonce),
            ("POST", "/credential", endpoints.credential),
            ("POST", "/deferred-credential", endpoints.deferred_credential),
            ("POST", "/notification", endpoints.notification),
            ("GET", "/", home),
            ("POST", "/offers", offers.make),
            ("GET", "/offers/{offer_id}", offers.page),
            ("GET", "/offers/{offer_id}/qr.png", offers.picture),
            ("GET", "/credential-offers/{offer_id}", offers.document),
            ("GET", "/messages/{message_id}", offers.message),
            ("GET", "/operator", pages.operator),
            ("POST", "/operator/login", pages.login),
            ("POST", "/operator/logout", pages.logout),
            ("POST", "/operator/decisions", pages.decide),
            ("POST", "/operator/statuses", pages.set_status),
            ("POST", "/operator/offers", pages.make_offer),
        ),
        offers.error_page,
        faults,
    )
    app.mount(f"{settings.path}/static", StaticFiles(directory=FOLDER / "static"))
    return app
