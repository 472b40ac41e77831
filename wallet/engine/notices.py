"""Telling the issuer what became of its credentials (OpenID4VCI 1.0, section 11)."""

from wallet.engine.exchange import ask_issuer
from wallet.engine.positions import Authorized, Kept, Lost, Notice
from wallet.engine.run import Run
from wallet.errors import PeerRefused, Unreachable, WalletError
from wallet.openid4vci.notification import notification, read_notification_response


async def tell(authorized: Authorized, run: Run) -> Authorized:
    """Tell the issuer what it asked to be told; what could not be told is there still.

    A stored credential stays, whatever the issuer answers.
    """
    for place, one in enumerate(authorized.credentials):
        if (
            isinstance(one, Kept | Lost)
            and one.notice is not None
            and await _told(one.notice, authorized, run)
        ):
            authorized = authorized.at(place, one.model_copy(update={"notice": None}))
    return authorized


async def _told(notice: Notice, authorized: Authorized, run: Run) -> bool:
    """Whether nothing is left to do; otherwise it is worth trying again later."""
    endpoint = authorized.consent.issuer.notification_endpoint
    if endpoint is None:
        return True
    try:
        document = notification(notice.notification_id, notice.event)
        read_notification_response(await ask_issuer(endpoint, document, authorized, run))
    except Unreachable:
        return False
    except PeerRefused as error:
        return error.code != "server_error"
    except WalletError:
        return True
    return True
