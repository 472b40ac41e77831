"""What wallets are known to do wrong: the strict profile refuses it, the lenient one notes it."""

import logging
from collections.abc import Mapping
from typing import Final

LOG: Final = logging.getLogger(__name__)

FORGIVABLE: Final[Mapping[str, str]] = {
    "anonymous_access": "a pre-authorized code without client_id, though that is not announced",
    "unexpected_tx_code": "a tx_code where none is needed; it is not looked at",
    "unknown_resource": "a resource that is no credential issuer of this server, as if left out",
    "missing_locations": "authorization_details without locations, though the issuer's metadata "
    "name authorization servers",
    "sent_identifiers": "authorization_details with credential_identifiers, as if left out",
    "assertion_audience": "a client assertion for the URL of an endpoint of this server",
    "attestation_iss": "a client attestation or its PoP without iss, as drafts after -07 have it",
}
"""Each rule by its name, as it stands in the log."""


class Leniency:
    """Decides what is forgiven."""

    def __init__(self, *, lenient: bool) -> None:
        self._lenient = lenient

    def forgives(self, rule: str) -> bool:
        """Whether to go on; what is forgiven is logged."""
        if self._lenient:
            LOG.warning("forgiven: %s: %s", rule, FORGIVABLE[rule])
        return self._lenient
