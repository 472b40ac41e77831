"""Deferred Credential Endpoint (OpenID4VCI 1.0, section 9)."""

from datetime import datetime, timedelta
from typing import Final

from wallet.errors import PeerBrokeProtocol
from wallet.openid4vci.credential import Transaction
from wallet.policy import WAIT_LIMIT_S
from wallet.records import JsonObject

_RULE: Final = "OpenID4VCI 1.0, section 9.2"


def deferred_request(transaction_id: str) -> JsonObject:
    """The document of a Deferred Credential Request (section 9.1)."""
    return {"transaction_id": transaction_id}


def ask_again_at(transaction: Transaction, now: datetime) -> datetime:
    """When the issuer may be asked again; at most `WAIT_LIMIT_S` from now."""
    return now + timedelta(seconds=min(transaction.interval, WAIT_LIMIT_S))


def same_transaction(transaction: Transaction, transaction_id: str | None) -> Transaction:
    """`transaction`, if it is the one that was asked about, or the first answer.

    Raises:
        PeerBrokeProtocol: `credential_response_invalid`.
    """
    if transaction_id not in (None, transaction.transaction_id):
        raise PeerBrokeProtocol(
            "credential_response_invalid", "/transaction_id: not the one asked about", rule=_RULE
        )
    return transaction
