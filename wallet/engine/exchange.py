"""How the wallet shows who it is: every request to an authorization server or issuer goes here."""

import json
from collections.abc import Mapping

from wallet.engine.positions import Authorized, Consent
from wallet.engine.run import Run
from wallet.oauth.client import Client
from wallet.oauth.server_metadata import ServerMetadata
from wallet.openid4vci.authorization import form
from wallet.openid4vci.token import read_token_response
from wallet.ports import HttpResponse
from wallet.records import JsonObject

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


async def client_for(_server: ServerMetadata, run: Run) -> Client:
    """Who the wallet will be at this server, for the whole issuance."""
    return Client(client_id=run.policy.client_id)


async def ask_server(
    endpoint: str, parameters: Mapping[str, str], consent: Consent, run: Run
) -> HttpResponse:
    """POST to an endpoint of the authorization server: `parameters`, and who the client is.

    The answer may be a refusal.
    """
    client = {"client_id": consent.client.client_id} if consent.client.client_id else {}
    body = form({**parameters, **client})
    return await run.http.post(endpoint, body=body, content_type=FORM)


async def ask_issuer(
    endpoint: str, document: JsonObject, authorized: Authorized, run: Run
) -> HttpResponse:
    """POST a JSON document to a protected endpoint of the issuer, with the access token.

    The answer may be a refusal.
    """
    return await run.http.post(
        endpoint,
        body=json.dumps(document, separators=(",", ":")).encode(),
        content_type=JSON,
        authorization=read_token_response(authorized.answer).authorization,
    )
