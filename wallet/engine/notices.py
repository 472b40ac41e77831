"""Telling the issuer what became of its credentials (OpenID4VCI 1.0, section 11)."""

from wallet.engine.authorize import refresh
from wallet.engine.exchange import ask_issuer
from wallet.engine.positions import Authorized, Kept, Lost, Notice, Refreshing
from wallet.engine.progress import may_pass, refresh_token_of
from wallet.engine.run import Run
from wallet.errors import PeerRefused, WalletError
from wallet.openid4vci.notification import notification, read_notification_response


async def tell(authorized: Authorized, run: Run) -> Authorized:
    """Tell the issuer what it asked to be told; what could not be told is there still.

    A stored credential stays, whatever the issuer answers. An access token that is no longer good
    is refreshed once, where it can be.
    """
    refreshed = False
    for place, one in enumerate(authorized.credentials):
        if not isinstance(one, Kept | Lost) or one.notice is None:
            continue
        error = await _told(one.notice, authorized, run)
        if error is not None and error.peer_error == "invalid_token" and not refreshed:
            refreshed = True
            authorized, error = await _refreshed(authorized, run)
            error = error or await _told(one.notice, authorized, run)
        if error is None or not may_pass(error):
            authorized = authorized.at(place, one.model_copy(update={"notice": None}))
    return authorized


async def _told(notice: Notice, authorized: Authorized, run: Run) -> WalletError | None:
    """Why the issuer does not know it; None where it does, or does not want to."""
    endpoint = authorized.consent.issuer.notification_endpoint
    if endpoint is None:
        return None
    try:
        document = notification(notice.notification_id, notice.event)
        read_notification_response(await ask_issuer(endpoint, document, authorized, run))
    except WalletError as error:
        return error
    return None


async def _refreshed(authorized: Authorized, run: Run) -> tuple[Authorized, WalletError | None]:
    """The same with a new access token, or why there is none."""
    token = refresh_token_of(authorized)
    if token is None:
        return authorized, PeerRefused("token_refused")
    refreshing = Refreshing(authorized=authorized, refresh_token=token)
    try:
        await run.reach(refreshing)
        authorized = await refresh(refreshing, run)
        await run.reach(authorized)
    except WalletError as error:
        spent = error.peer_error == "invalid_grant"
        return authorized.model_copy(update={"refreshable": not spent}), error
    return authorized, None
