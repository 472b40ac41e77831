"""Steps 4 to 8: to an access token, by sign-in in the browser, pre-authorized code, or refresh."""

import asyncio
from collections.abc import Mapping

from wallet.compat import Place
from wallet.engine.exchange import ask_server
from wallet.engine.positions import (
    Asked,
    Authorized,
    Consent,
    PreAuthorized,
    Redirected,
    Refreshing,
)
from wallet.engine.run import Run
from wallet.engine.tolerance import (
    facts_of,
    parameters_of,
    tolerated,
    tolerated_answer,
    tolerated_for_each,
    tolerated_query,
)
from wallet.errors import PeerRefused
from wallet.oauth.clock import time_at
from wallet.oauth.documents import succeeded
from wallet.oauth.dpop import code_binding
from wallet.oauth.par import read_pushed_request
from wallet.oauth.pkce import pkce_of
from wallet.oauth.redirect import read_authorization_response
from wallet.openid4vci.authorization import authorization_url, narrowed, request_for
from wallet.openid4vci.display import plain
from wallet.openid4vci.offer import AuthorizationCodeGrant, PreAuthorizedCodeGrant
from wallet.openid4vci.token import (
    pre_authorized_parameters,
    refresh_parameters,
    token_parameters,
)
from wallet.policy import TRANSACTION_CODE_TRIES
from wallet.ports import HttpResponse, Redirect, TransactionCode
from wallet.records import Secret
from wallet.steps import Step
from wallet.urls import host_of


async def authorize(consent: Consent, run: Run) -> Redirected | PreAuthorized:
    """Get an authorization code, or what a pre-authorized one needs."""
    match consent.grant:
        case AuthorizationCodeGrant() as grant:
            return await _sign_in(consent, grant, run)
        case PreAuthorizedCodeGrant() as grant:
            return await _transaction_code(consent, grant, run)


async def _sign_in(consent: Consent, grant: AuthorizationCodeGrant, run: Run) -> Redirected:
    """RFC 6749, section 4.1; RFC 7636; RFC 8252."""
    run.enter(Step.AUTHORIZATION)
    async with run.redirects.open() as redirect:
        request = request_for(
            consent.credential_configuration_ids,
            grant,
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

    def code(query: str) -> Secret[str]:
        answered = tolerated_query(query, asked.consent, state, run)
        return read_authorization_response(answered, state=state, server=server)

    def judge(query: str) -> None:
        code(query)

    front = await _front_channel(asked, run)
    # The browser may be back before the holder's face is done with opening it.
    answer = asyncio.ensure_future(redirect.answer(judge, run.policy.authorization_timeout_s))
    try:
        url = authorization_url(server, front)
        await run.holder.sign_in(_as_written(url, asked.consent, run))
        query = await answer
    finally:
        answer.cancel()
    return code(query.reveal())


def _as_written(url: Secret[str], consent: Consent, run: Run) -> Secret[str]:
    """The URL for the browser, its query written as the server reads it."""
    endpoint, _, query = url.reveal().partition("?")
    facts = facts_of(consent, run)
    written = tolerated(consent.profile, Place.AUTHORIZATION_URL, {"query": query}, facts, run)
    return Secret(f"{endpoint}?{written['query']}")


async def _front_channel(asked: Asked, run: Run) -> Mapping[str, str]:
    """The parameters for the browser: pushed where the server takes them (RFC 9126)."""
    request = asked.request
    ours = {**request.parameters(), **code_binding(asked.consent.client)}
    place = Place.AUTHORIZATION_REQUEST
    parameters = parameters_of(tolerated_for_each(place, ours, asked.consent, run))
    endpoint = asked.consent.server.pushed_authorization_request_endpoint
    if endpoint is None:
        return parameters
    answer = await ask_server(endpoint, parameters, asked.consent, run)
    pushed = read_pushed_request(answer)
    time_at(answer, run.clock.now())  # a wrong clock is told before the holder signs in
    return {"client_id": request.client_id, "request_uri": pushed.request_uri}


async def _transaction_code(
    consent: Consent, grant: PreAuthorizedCodeGrant, run: Run, refused: int = 0
) -> PreAuthorized:
    """Have the holder type the code that came by another way (section 4.1.1)."""
    typed = None
    if grant.tx_code is not None:
        run.enter(Step.AUTHORIZATION)
        asked = TransactionCode(
            host=host_of(consent.server.token_endpoint or ""),
            numeric=grant.tx_code.input_mode == "numeric",
            length=grant.tx_code.length,
            description=plain(grant.tx_code.description, 300),
            refused=refused > 0,
        )
        typed = await run.holder.transaction_code(asked)
    return PreAuthorized(consent=consent, transaction_code=typed, refused=refused)


async def redeem(redirected: Redirected, run: Run) -> Authorized:
    """Send the Token Request (section 6.1); the answer is read when it has been committed."""
    consent, request = redirected.asked.consent, redirected.asked.request
    parameters = token_parameters(request, redirected.code)
    return Authorized(consent=consent, answer=await _token(parameters, consent, run))


async def redeem_pre_authorized(position: PreAuthorized, run: Run) -> Authorized | PreAuthorized:
    """The same for a pre-authorized code; a transaction code that is refused is typed again.

    Raises:
        PeerRefused: `transaction_code_refused` where it was refused too often.
    """
    consent, typed = position.consent, position.transaction_code
    grant = consent.grant
    assert isinstance(grant, PreAuthorizedCodeGrant)  # noqa: S101 - else there is no such position
    try:
        asking = narrowed(
            consent.credential_configuration_ids,
            consent.offer.credential_configuration_ids,
            consent.issuer,
            consent.server,
        )
        parameters = {**pre_authorized_parameters(grant, typed), **asking}
        return Authorized(consent=consent, answer=await _token(parameters, consent, run))
    except PeerRefused as error:
        if typed is None or error.peer_error not in ("invalid_grant", "invalid_tx_code"):
            raise
        refusal, refused = error, position.refused + 1
    if refused == TRANSACTION_CODE_TRIES:
        raise PeerRefused(
            "transaction_code_refused",
            refusal.detail,
            rule="OpenID4VCI 1.0, section 6.3",
            url=refusal.url,
            peer_error=refusal.peer_error,
        )
    return await _transaction_code(consent, grant, run, refused)


async def refresh(refreshing: Refreshing, run: Run) -> Authorized:
    """Get a new access token by the refresh token (RFC 6749, section 6)."""
    authorized, token = refreshing.authorized, refreshing.refresh_token
    answer = await _token(refresh_parameters(token), authorized.consent, run)
    return authorized.model_copy(update={"answer": answer, "refresh_token": token})


async def _token(parameters: Mapping[str, str], consent: Consent, run: Run) -> HttpResponse:
    run.enter(Step.TOKEN)
    endpoint = consent.server.token_endpoint or ""
    facts = facts_of(consent, run)
    message = tolerated(consent.profile, Place.TOKEN_REQUEST, parameters, facts, run)
    answer = await ask_server(endpoint, parameters_of(message), consent, run)
    known = [facts_of(consent, run, name) for name in consent.credential_configuration_ids]
    place = Place.TOKEN_RESPONSE
    return succeeded(tolerated_answer(consent.profile, place, answer, known, run), "token_refused")
