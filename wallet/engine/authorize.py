"""Steps 4 to 8: authorization request, sign-in in the browser, code, access token."""

import asyncio
from collections.abc import Mapping

from wallet.engine.exchange import ask_server
from wallet.engine.positions import Asked, Authorized, Consent, Redirected
from wallet.engine.run import Run
from wallet.oauth.clock import time_at
from wallet.oauth.documents import succeeded
from wallet.oauth.par import read_pushed_request
from wallet.oauth.pkce import pkce_of
from wallet.oauth.redirect import read_authorization_response
from wallet.openid4vci.authorization import (
    authorization_url,
    request_for,
)
from wallet.openid4vci.offer import authorization_code_grant
from wallet.openid4vci.token import token_parameters
from wallet.ports import Redirect
from wallet.records import Secret
from wallet.steps import Step


async def authorize(consent: Consent, run: Run) -> Redirected:
    """Get an authorization code (RFC 6749, section 4.1; RFC 7636; RFC 8252)."""
    run.enter(Step.AUTHORIZATION)
    async with run.redirects.open() as redirect:
        request = request_for(
            consent.credential_configuration_id,
            authorization_code_grant(consent.offer),
            consent.issuer,
            consent.server,
            preference=run.policy.authorization_request,
            client_id=consent.client.client_id,
            redirect_uri=redirect.redirect_uri,
            state=Secret(run.random.token()),
            pkce=pkce_of(run.random.token()),
        )
        asked = Asked(consent=consent, request=request)
        await run.reach(asked)
        return Redirected(asked=asked, code=await _code(asked, redirect, run))


async def _code(asked: Asked, redirect: Redirect, run: Run) -> Secret[str]:
    server, state = asked.consent.server, asked.request.state

    def judge(query: str) -> None:
        read_authorization_response(query, state=state, server=server)

    front = await _front_channel(asked, run)
    # The browser may be back before the holder's face is done with opening it.
    answer = asyncio.ensure_future(redirect.answer(judge, run.policy.authorization_timeout_s))
    try:
        await run.holder.sign_in(authorization_url(server, front))
        query = await answer
    finally:
        answer.cancel()
    return read_authorization_response(query.reveal(), state=state, server=server)


async def _front_channel(asked: Asked, run: Run) -> Mapping[str, str]:
    """The parameters for the browser: pushed where the server takes them (RFC 9126)."""
    request = asked.request
    endpoint = asked.consent.server.pushed_authorization_request_endpoint
    if endpoint is None:
        return request.parameters()
    answer = await ask_server(endpoint, request.parameters(), asked.consent, run)
    pushed = read_pushed_request(answer)
    time_at(answer, run.clock.now())  # a wrong clock is told before the holder signs in
    return {"client_id": request.client_id, "request_uri": pushed.request_uri}


async def redeem(redirected: Redirected, run: Run) -> Authorized:
    """Send the Token Request (section 6.1); the answer is read when it has been committed."""
    run.enter(Step.TOKEN)
    consent, request = redirected.asked.consent, redirected.asked.request
    answer = await ask_server(
        consent.server.token_endpoint or "",
        token_parameters(request, redirected.code),
        consent,
        run,
    )
    return Authorized(consent=consent, answer=succeeded(answer, "token_refused"))
