"""What wallets are known to do wrong: the strict profile refuses it, the lenient one notes it."""

import logging
from collections.abc import Mapping
from typing import Final

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from reference_servers.credential_issuer.database import Forgiven

LOG: Final = logging.getLogger(__name__)

FORGIVABLE: Final[Mapping[str, str]] = {
    "proof_typ": "a key proof whose typ is open4vci-proof+jwt",
    "proof_iss": "a key proof whose iss is not the client_id; it is not looked at",
    "singular_proof": "proof with proof_type and jwt, as drafts have it, in place of proofs; the "
    "answer then has the member credential as well",
    "format": "format and vct, as drafts have it, in place of the configuration's name",
    "unused_identifier": "credential_configuration_id, though the access token names a "
    "credential_identifier",
}
"""Each rule by its name, as it stands in the log and on the operator's page."""


class Leniency:
    """Decides what is forgiven, and counts it."""

    def __init__(self, sessions: sessionmaker[Session], *, lenient: bool) -> None:
        self._sessions = sessions
        self._lenient = lenient

    def forgives(self, rule: str, client_id: str) -> bool:
        """Whether to go on; what is forgiven is logged and counted."""
        if not self._lenient:
            return False
        LOG.warning("forgiven: %s: %s", rule, FORGIVABLE[rule])
        if not self._counted(rule, client_id):
            try:
                with self._sessions.begin() as db:
                    db.add(Forgiven(rule=rule, client_id=client_id, times=1))
            except IntegrityError:  # somebody else was first
                self._counted(rule, client_id)
        return True

    def _counted(self, rule: str, client_id: str) -> bool:
        """Count once more; False where nothing of the kind was counted yet."""
        with self._sessions.begin() as db:
            same = db.query(Forgiven).filter_by(rule=rule, client_id=client_id)
            return same.update({"times": Forgiven.times + 1}) == 1
