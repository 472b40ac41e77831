"""Telling the issuer what became of its credential (OpenID4VCI 1.0, section 11)."""

from wallet.engine.exchange import ask_issuer
from wallet.engine.positions import Kept
from wallet.engine.run import Run
from wallet.errors import PeerRefused, Unreachable, WalletError
from wallet.openid4vci.notification import accepted, read_notification_response


async def notify(kept: Kept, run: Run) -> bool:
    """Tell the issuer that the credential was stored, where it asked to be told.

    A stored credential stays, whatever the issuer answers.

    Returns:
        Whether nothing is left to do; otherwise it is worth trying again later.
    """
    endpoint = kept.authorized.consent.issuer.notification_endpoint
    if endpoint is None or kept.notification_id is None:
        return True
    try:
        answer = await ask_issuer(endpoint, accepted(kept.notification_id), kept.authorized, run)
        read_notification_response(answer)
    except Unreachable:
        return False
    except PeerRefused as error:
        return error.code != "server_error"
    except WalletError:
        return True
    return True
