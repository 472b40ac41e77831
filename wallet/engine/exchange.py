"""How the wallet shows who it is: every request to an authorization server or issuer goes here."""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Literal
from urllib.parse import urlsplit

from joserfc.jwk import ECKey

from wallet.compat import Facts, Place, tolerate
from wallet.engine.positions import Authorized, Consent
from wallet.engine.run import Run
from wallet.engine.tolerance import facts_of, tolerated, tolerated_answer
from wallet.errors import PeerBrokeProtocol, Unsupported
from wallet.oauth.client import Client
from wallet.oauth.client_attestation import (
    USE_CHALLENGE,
    USE_FRESH,
    challenge_in,
    check_client_attestation,
    possession_input,
    read_challenge,
)
from wallet.oauth.client_authentication import (
    ASSERTION_TYPE,
    Authentication,
    assertion_input,
    authentication_at,
)
from wallet.oauth.clock import http_date
from wallet.oauth.documents import errors_in
from wallet.oauth.dpop import USE_NONCE, dpop_proof_input, nonce_in
from wallet.oauth.jwt import best_algorithm, compact
from wallet.oauth.server_metadata import ServerMetadata
from wallet.openid4vci.authorization import form
from wallet.openid4vci.encryption import MEDIA_TYPE, decrypted, encrypted, encryption_of
from wallet.openid4vci.token import TokenResponse, read_token_response
from wallet.policy import PRE_AUTHORIZED_CODE, GrantType
from wallet.ports import HttpResponse
from wallet.records import HolderKey, JsonObject, Secret
from wallet.strict import json_object

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"

UNTIMELY: Final = {"invalid_dpop_proof", "invalid_client", "invalid_client_attestation"}
"""What a proof of the wrong time is refused as, too."""
CLOCK_NOTICED: Final = timedelta(seconds=5)
"""So much a clock must have been off to be the reason."""

Part = Literal["server", "issuer"]
"""What a peer is to the wallet: one host may be both, with nonces of its own for each."""


async def client_for(server: ServerMetadata, grant_type: GrantType, run: Run) -> Client:
    """Who the wallet will be at this server, for the whole issuance; makes the keys for it.

    It stays anonymous where it may and has nothing to show anyway (OpenID4VCI 1.0, section 6.1).

    Raises:
        Unsupported: `client_authentication_unsupported`, `dpop_unsupported`.
    """
    standing = run.at(server.issuer)
    anonymous = grant_type == PRE_AUTHORIZED_CODE and server.anonymous_pre_authorized_access
    able = _able(server, run)
    authentication = (
        able[0]
        if able and standing.authentication != "auto"
        else authentication_at(server, able, anonymous=anonymous)
    )
    dpop_key = instance_key = None
    algorithm = best_algorithm(server.dpop_signing_alg_values_supported)
    if standing.dpop != "never" and algorithm is not None:
        dpop_key = await run.keys.create_key(algorithm)
    elif standing.dpop == "required":
        raise Unsupported("dpop_unsupported", server.issuer[:200], rule="RFC 9449, section 5.1")
    if authentication == "attest_jwt_client_auth":
        instance_key = await run.keys.create_key(_possession_algorithm(server) or "")
    elif authentication == "attest_jwt_client_auth_dpop":
        instance_key = dpop_key
    return Client(
        client_id="" if anonymous and authentication == "none" else standing.client_id,
        authentication=authentication,
        instance_key=instance_key,
        dpop_key=dpop_key,
        bearer_taken=standing.dpop == "optional",
    )


def _able(server: ServerMetadata, run: Run) -> list[Authentication]:
    """The methods that the settings allow and the keys at hand suffice for.

    A method that the settings name is used whatever the server says that it takes.
    """
    standing = run.at(server.issuer)
    able: list[Authentication] = ["none"]
    if standing.provider is not None and _possession_algorithm(server) is not None:
        able.append("attest_jwt_client_auth")
    bindable = best_algorithm(server.dpop_signing_alg_values_supported) is not None
    if standing.provider is not None and bindable and standing.dpop != "never":
        able.append("attest_jwt_client_auth_dpop")
    taken = server.token_endpoint_auth_signing_alg_values_supported
    key = standing.client_key
    if key is not None and (taken is None or key.algorithm in taken):
        able.append("private_key_jwt")
    return [one for one in able if standing.authentication in ("auto", one)]


def _possession_algorithm(server: ServerMetadata) -> str | None:
    taken = server.client_attestation_pop_signing_alg_values_supported
    return best_algorithm(("ES256",) if taken is None else taken)


async def ask_server(
    endpoint: str, parameters: Mapping[str, str], consent: Consent, run: Run
) -> HttpResponse:
    """POST to an endpoint of the authorization server: `parameters`, and who the client is.

    What the server wants to be repeated in a proof is repeated, once for each kind, and so is a
    proof that was refused when the server's clock was not known yet. The answer may be a refusal.
    """
    answered: set[str] = set()
    while True:
        headers, own = await _client_proofs(endpoint, consent, run, answered)
        body = {"body": form({**parameters, **own}).decode()}
        written = tolerated(consent.profile, Place.FORM, body, facts_of(consent, run), run)
        answer = await run.http.post(
            endpoint, body=str(written["body"]).encode(), content_type=FORM, headers=headers
        )
        wanted = _heard(answer, "server", run, consent) - answered
        if not wanted:
            return answer
        answered |= wanted


async def ask_issuer(
    endpoint: str, document: JsonObject, authorized: Authorized, run: Run
) -> HttpResponse:
    """POST a JSON document to a protected endpoint of the issuer, with the access token.

    The answer may be a refusal.
    """
    return await _present(endpoint, _json(document), JSON, authorized, run)


async def ask_for_credential(
    endpoint: str,
    document: JsonObject,
    facts: Facts,
    authorized: Authorized,
    run: Run,
) -> HttpResponse:
    """As `ask_issuer`, with everything encrypted that both sides can encrypt (section 10).

    The answer is in clear, and as 1.0 has it; it may be a refusal.

    Raises:
        Unsupported: `encryption_unsupported`.
        PeerBrokeProtocol: `response_not_encrypted`, `decryption_failed`.
    """
    issuer, profile = authorized.consent.issuer, authorized.consent.profile
    encryption = encryption_of(
        issuer.credential_request_encryption, issuer.credential_response_encryption
    )
    reply = encryption.reply(ECKey.generate_key("P-256")) if encryption.recipient else None
    wishes = {} if reply is None else {"credential_response_encryption": reply.parameters}
    place = Place.CREDENTIAL_REQUEST
    wanted = tolerated(profile, place, {**document, **wishes}, facts, run)
    if encryption.recipient is None:
        answer = await ask_issuer(endpoint, wanted, authorized, run)
    else:
        with run.trace.span("crypto", "request encryption"):
            body = encrypted(_json(wanted), encryption.recipient)
        sealed = await _present(endpoint, body, MEDIA_TYPE, authorized, run)
        with run.trace.span("crypto", "response decryption"):
            answer = decrypted(sealed, reply)
    note_nonce(answer, authorized.consent, run)
    return tolerated_answer(profile, Place.CREDENTIAL_RESPONSE, answer, [facts], run)


def note_nonce(answer: HttpResponse, consent: Consent, run: Run) -> None:
    """Take note of a `c_nonce` that came otherwise than from a nonce endpoint."""
    try:
        latest = {"latest": json_object(answer.body)}
    except ValueError:
        return
    told = tolerate(consent.profile, Place.NONCE, latest)
    nonce = told.message.get("c_nonce")
    if consent.issuer.nonce_endpoint is None and isinstance(nonce, str):
        run.trace.tolerate(told.names)
        run.heard.c_nonces[consent.issuer.credential_issuer] = Secret(nonce)


async def ask_nonce(endpoint: str, run: Run) -> HttpResponse:
    """POST to the nonce endpoint, which may give a DPoP nonce besides (section 7.2)."""
    answer = await run.http.post(endpoint)
    _heard(answer, "issuer", run)
    return answer


async def _present(
    endpoint: str, body: bytes, content_type: str, authorized: Authorized, run: Run
) -> HttpResponse:
    """POST with the access token; where a DPoP nonce is wanted once more, with the same body."""
    client, token = authorized.consent.client, read_token_response(authorized.answer)
    _check_bound(token, authorized.consent, run)
    answered: set[str] = set()
    while True:
        headers = {"Authorization": _authorization(token, authorized.consent, run)}
        if token.bound and client.dpop_key is not None:
            headers["DPoP"] = await _dpop(client.dpop_key, endpoint, "issuer", run, token.secret)
        accept = f"{JSON}, {MEDIA_TYPE}" if content_type == MEDIA_TYPE else JSON
        answer = await run.http.post(
            endpoint, body=body, content_type=content_type, accept=accept, headers=headers
        )
        wanted = _heard(answer, "issuer", run) - answered
        if not wanted:
            return answer
        answered |= wanted


def _authorization(token: TokenResponse, consent: Consent, run: Run) -> Secret[str]:
    """The header that presents the access token, its scheme written as the issuer reads it."""
    scheme, _, value = token.authorization.reveal().partition(" ")
    facts = replace(facts_of(consent, run), token={"token_type": token.token_type})
    place = Place.AUTHORIZATION_HEADER
    written = tolerated(consent.profile, place, {"scheme": scheme}, facts, run)
    return Secret(f"{written['scheme']} {value}")


def _check_bound(token: TokenResponse, consent: Consent, run: Run) -> None:
    """An access token is bound to a key exactly where that was asked for (RFC 9449, section 5).

    Raises:
        PeerBrokeProtocol: `token_not_bound`, `token_response_invalid`.
    """
    client = consent.client
    if token.bound and client.dpop_key is None:
        raise PeerBrokeProtocol(
            "token_response_invalid", "bound to a key that was never sent", rule="RFC 9449"
        )
    if client.dpop_key is not None and not token.bound and not client.bearer_taken:
        asked = {"token_types": ["dpop"]}
        facts = facts_of(consent, run)
        if tolerated(consent.profile, Place.TOKEN_TYPES, asked, facts, run) != asked:
            return
        raise PeerBrokeProtocol("token_not_bound", "token_type Bearer", rule="RFC 9449, section 5")


def _heard(answer: HttpResponse, part: Part, run: Run, consent: Consent | None = None) -> set[str]:
    """Take note of what a peer wants repeated; which of it was missing from this request."""
    errors, wanted = set(errors_in(answer)), set[str]()
    place = part, _origin(answer.url)
    if (there := http_date(answer.headers.get("date", ""))) is not None:
        ahead = there - run.clock.now()
        if abs(ahead - run.heard.ahead.get(place, timedelta())) > CLOCK_NOTICED:
            wanted |= errors & UNTIMELY
        run.heard.ahead[place] = ahead
    if (nonce := nonce_in(answer)) is not None:
        run.heard.nonces[place] = nonce
        wanted |= errors & {USE_NONCE}
    if consent is None or consent.client.instance_key is None:
        return wanted
    if (challenge := challenge_in(answer)) is not None:
        run.heard.challenges[consent.server.issuer] = challenge
    if challenge is not None or consent.server.challenge_endpoint is not None:
        wanted |= errors & {USE_CHALLENGE}
    if USE_FRESH in errors:
        run.heard.attestations.pop(consent.client.instance_key.key_id, None)
        wanted |= {USE_FRESH}
    return wanted


async def _client_proofs(
    endpoint: str, consent: Consent, run: Run, answered: Collection[str]
) -> tuple[dict[str, Secret[str]], dict[str, str]]:
    """Headers and parameters that say who the client is, and prove it.

    `answered` are the errors that ask for a repetition and were met in this exchange: a server that
    wants its own DPoP nonce although it gave a challenge gets that nonce (RFC 9449, section 8).
    """
    client, server = consent.client, consent.server
    parameters = {"client_id": client.client_id} if client.client_id else {}
    headers: dict[str, Secret[str]] = {}
    challenge = None
    if client.instance_key is not None:
        headers["OAuth-Client-Attestation"] = await _attestation(
            client.instance_key, client, server, run
        )
        challenge = await _challenge(server, run)
    if client.authentication == "attest_jwt_client_auth" and client.instance_key is not None:
        message = possession_input(
            client.instance_key,
            client.client_id,
            server.issuer,
            challenge=challenge,
            jti=run.random.token(),
            now=_time_at(endpoint, "server", run),
        )
        proof = await run.signed(client.instance_key, message, "client attestation proof")
        headers["OAuth-Client-Attestation-PoP"] = proof
    if client.authentication == "private_key_jwt":
        parameters |= {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": _assertion(endpoint, client, server, run).reveal(),
        }
    if client.dpop_key is not None:
        by_challenge = (
            client.authentication == "attest_jwt_client_auth_dpop" and USE_NONCE not in answered
        )
        headers["DPoP"] = await _dpop(
            client.dpop_key,
            endpoint,
            "server",
            run,
            challenge=challenge if by_challenge else None,
        )
    return headers, parameters


async def _dpop(
    key: HolderKey,
    url: str,
    part: Part,
    run: Run,
    access_token: Secret[str] | None = None,
    *,
    challenge: str | None = None,
) -> Secret[str]:
    """A DPoP proof for one request; a `challenge` takes the nonce's place."""
    message = dpop_proof_input(
        key,
        url,
        jti=run.random.token(),
        now=_time_at(url, part, run),
        nonce=challenge or run.heard.nonces.get((part, _origin(url))),
        access_token=access_token,
    )
    return await run.signed(key, message, "DPoP proof")


async def _attestation(
    key: HolderKey, client: Client, server: ServerMetadata, run: Run
) -> Secret[str]:
    """The wallet provider's word for this client; a new one where the last is about to expire."""
    now = run.clock.now()
    known = run.heard.attestations.get(key.key_id)
    if known is not None and known[1] > now + timedelta(seconds=30):
        return known[0]
    provider = run.at(server.issuer).provider
    if provider is None:
        raise _no_longer("nobody attests this wallet", server)
    attestation = await provider.client_attestation(key, client.client_id)
    algorithms = server.client_attestation_signing_alg_values_supported
    expires_at = check_client_attestation(attestation, key, client.client_id, now, algorithms)
    run.heard.attestations[key.key_id] = attestation, expires_at
    return attestation


async def _challenge(server: ServerMetadata, run: Run) -> str | None:
    """The newest challenge of this server: a fresh one where it has an endpoint for them."""
    if server.challenge_endpoint is None:
        return run.heard.challenges.get(server.issuer)
    challenge = run.heard.challenges.pop(server.issuer, None)
    if challenge is None:
        answer = await run.http.post(server.challenge_endpoint)
        _heard(answer, "server", run)
        challenge = read_challenge(answer)
    return challenge


def _assertion(endpoint: str, client: Client, server: ServerMetadata, run: Run) -> Secret[str]:
    key = run.at(server.issuer).client_key
    if key is None:
        raise _no_longer("the client's key is gone", server)
    message = assertion_input(
        client.client_id,
        server.issuer,
        algorithm=key.algorithm,
        kid=key.kid,
        jti=run.random.token(),
        now=_time_at(endpoint, "server", run),
    )
    with run.trace.span("crypto", "client assertion"):
        return compact(message, key.sign(message))


def _no_longer(detail: str, server: ServerMetadata) -> Unsupported:
    return Unsupported("client_authentication_unsupported", detail, url=server.issuer)


def _time_at(url: str, part: Part, run: Run) -> datetime:
    """The time by the peer's clock, as far as it was heard of."""
    return run.clock.now() + run.heard.ahead.get((part, _origin(url)), timedelta())


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _json(document: JsonObject) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
