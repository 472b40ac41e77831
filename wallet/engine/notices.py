"""Telling the issuer what became of its credential (OpenID4VCI 1.0, section 11)."""

from wallet.engine.positions import Kept
from wallet.errors import PeerRefused, Unreachable, WalletError
from wallet.openid4vci.notification import accepted, read_notification_response
from wallet.openid4vci.token import read_token_response
from wallet.ports import Http


async def notify(kept: Kept, http: Http) -> bool:
    """Tell the issuer that the credential was stored, where it asked to be told.

    A stored credential stays, whatever the issuer answers.

    Returns:
        Whether nothing is left to do; otherwise it is worth trying again later.
    """
    endpoint = kept.authorized.consent.issuer.notification_endpoint
    if endpoint is None or kept.notification_id is None:
        return True
    try:
        answer = await http.post(
            endpoint,
            body=accepted(kept.notification_id),
            content_type="application/json",
            authorization=read_token_response(kept.authorized.answer).authorization,
        )
        read_notification_response(answer)
    except Unreachable:
        return False
    except PeerRefused as error:
        return error.code != "server_error"
    except WalletError:
        return True
    return True
