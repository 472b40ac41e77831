"""Steps 4 to 8: authorization request, sign-in in the browser, code, access token."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from wallet.engine.review import Consent
from wallet.engine.run import Run
from wallet.oauth.clock import time_at
from wallet.oauth.par import read_pushed_request
from wallet.oauth.pkce import pkce_of
from wallet.oauth.redirect import read_authorization_response
from wallet.oauth.server_metadata import ServerMetadata
from wallet.openid4vci.authorization import (
    AuthorizationRequest,
    authorization_url,
    form,
    request_for,
)
from wallet.openid4vci.token import (
    TokenResponse,
    credential_identifier,
    read_token_response,
    token_parameters,
)
from wallet.ports import Redirect
from wallet.records import Secret
from wallet.steps import Step

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Authorized:
    """The right to ask for one credential.

    Attributes:
        consent: What the holder agreed to.
        token: The access token.
        credential_identifier: What to ask for instead of the configuration, if anything.
    """

    consent: Consent
    token: TokenResponse
    credential_identifier: str | None


async def authorize(consent: Consent, run: Run) -> Authorized:
    """Get an access token by the authorization code grant with PKCE (RFC 6749, 7636, 8252)."""
    run.enter(Step.AUTHORIZATION)
    resolved = consent.resolved
    async with run.redirects.open() as redirect:
        request = request_for(
            consent.credential_configuration_id,
            resolved.grant,
            resolved.issuer,
            resolved.server,
            preference=run.policy.authorization_request,
            client_id=run.policy.client_id,
            redirect_uri=redirect.redirect_uri,
            state=Secret(run.random.token()),
            pkce=pkce_of(run.random.token()),
        )
        code = await _code(request, resolved.server, redirect, run)
    run.enter(Step.TOKEN)
    token = read_token_response(
        await run.http.post(
            resolved.server.token_endpoint or "",
            body=form(token_parameters(request, code)),
            content_type=FORM,
        )
    )
    identifier = credential_identifier(token, consent.credential_configuration_id)
    return Authorized(consent, token, identifier)


async def _code(
    request: AuthorizationRequest, server: ServerMetadata, redirect: Redirect, run: Run
) -> Secret[str]:
    def judge(query: str) -> None:
        read_authorization_response(query, state=request.state, server=server)

    front = await _front_channel(request, server, run)
    # The browser may be back before the holder's face is done with opening it.
    answer = asyncio.ensure_future(redirect.answer(judge, run.policy.authorization_timeout_s))
    try:
        await run.holder.sign_in(authorization_url(server, front))
        query = await answer
    finally:
        answer.cancel()
    return read_authorization_response(query.reveal(), state=request.state, server=server)


async def _front_channel(
    request: AuthorizationRequest, server: ServerMetadata, run: Run
) -> Mapping[str, str]:
    """The parameters for the browser: pushed where the server takes them (RFC 9126)."""
    endpoint = server.pushed_authorization_request_endpoint
    if endpoint is None:
        return request.parameters()
    answer = await run.http.post(endpoint, body=form(request.parameters()), content_type=FORM)
    pushed = read_pushed_request(answer)
    time_at(answer, run.clock.now())  # a wrong clock is told before the holder signs in
    return {"client_id": request.client_id, "request_uri": pushed.request_uri}
