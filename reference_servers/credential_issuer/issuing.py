"""What is issued: copies of a credential, each with its own status; at once, or when approved."""

import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy.orm import Session, sessionmaker

from reference_servers.credential_issuer.access_tokens import AccessToken
from reference_servers.credential_issuer.database import Base, Dataset, Issuance, Transaction
from reference_servers.credential_issuer.errors import CredentialRequestError
from reference_servers.credential_issuer.formats import Formats, can_have_status
from reference_servers.credential_issuer.key_proofs import HolderJwk
from reference_servers.credential_issuer.sd_jwt_vc import lifetime
from reference_servers.credential_issuer.settings import Settings
from reference_servers.credential_issuer.status_list import StatusList
from reference_servers.faults import Faults
from reference_servers.storage import digest, sweep

EVENTS: Final = ("credential_accepted", "credential_failure", "credential_deleted")

Answer = tuple[int, Mapping[str, Any]]
"""HTTP status and Credential Response."""


class Issuing:
    """Issues the credentials of people who are known, and notes what became of them."""

    def __init__(
        self,
        settings: Settings,
        sessions: sessionmaker[Session],
        configurations: Mapping[str, Mapping[str, Any]],
        formats: Formats,
        faults: Faults,
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._configurations = configurations
        self._formats = formats
        self._faults = faults
        url = f"{settings.public_url}/status-list"
        self.status_list = StatusList(sessions, formats.key, url)

    def answer(
        self, token: AccessToken, configuration: str, holder_jwks: Sequence[HolderJwk | None]
    ) -> Answer:
        """The Credential Response, immediate or deferred (section 8.3).

        Raises:
            CredentialRequestError: Nothing is known of this person.
        """
        with self._sessions.begin() as db:
            if configuration in self._settings.deferred:
                _dataset(db, token.subject, configuration)
                return 202, self._defer(db, token, configuration, holder_jwks)
            issued = self._issue(db, token, configuration, holder_jwks)
        return 200, self._faults.at("credential document", issued)

    def _defer(
        self,
        db: Session,
        token: AccessToken,
        configuration: str,
        holder_jwks: Sequence[HolderJwk | None],
    ) -> Mapping[str, Any]:
        transaction_id, now = secrets.token_urlsafe(24), time.time()
        sweep(db, Base)
        db.add(
            Transaction(
                id=digest(transaction_id),
                subject=token.subject,
                client_id=token.client_id,
                credential_configuration_id=configuration,
                holder_jwks=list(holder_jwks),
                requested_at=now,
                expires_at=now + self._settings.transaction_lifetime_s,
            )
        )
        return self._faults.at("transaction document", self._pending(transaction_id))

    def _pending(self, transaction_id: str) -> Mapping[str, Any]:
        interval = self._settings.deferred_interval_s
        return {"transaction_id": transaction_id, "interval": interval}

    def deferred_answer(self, token: AccessToken, transaction_id: object) -> Answer:
        """The Deferred Credential Response (section 9.2); a transaction gives credentials once.

        Raises:
            CredentialRequestError: There is no such transaction of this wallet, or it was denied.
        """
        unknown = CredentialRequestError("invalid_transaction_id", "there is no such transaction")
        if not isinstance(transaction_id, str):
            raise unknown
        with self._sessions.begin() as db:
            found = db.get(Transaction, digest(transaction_id), with_for_update=True)
            if (
                found is None
                or (found.subject, found.client_id) != (token.subject, token.client_id)
                or found.expires_at < time.time()
            ):
                raise unknown
            match self._decision(found):
                case "approve":
                    if db.query(Transaction).filter_by(id=found.id).delete() != 1:
                        raise unknown
                    name = found.credential_configuration_id
                    status, answer = 200, self._issue(db, token, name, found.holder_jwks)
                case "deny":
                    raise CredentialRequestError(
                        "credential_request_denied", "the request was denied"
                    )
                case _:
                    status, answer = 202, self._pending(transaction_id)
        return status, self._faults.at("deferred document", answer)

    def _decision(self, transaction: Transaction) -> str:
        after_s = self._settings.approve_after_s
        if transaction.decision or after_s is None:
            return transaction.decision
        return "approve" if transaction.requested_at + after_s <= time.time() else ""

    def _issue(
        self,
        db: Session,
        token: AccessToken,
        configuration: str,
        holder_jwks: Sequence[HolderJwk | None],
    ) -> Mapping[str, Any]:
        """The credentials, in no particular order, with what a notification will name them by."""
        claims = _dataset(db, token.subject, configuration).claims
        issued_at, expires_at = lifetime(self._settings.credential_lifetime_days)
        notification_id = secrets.token_urlsafe(24)
        issuance = Issuance(
            notification_id=digest(notification_id),
            subject=token.subject,
            client_id=token.client_id,
            credential_configuration_id=configuration,
            copies=len(holder_jwks),
            issued_at=time.time(),
            expires_at=expires_at,
        )
        db.add(issuance)
        db.flush()
        described = self._configurations[configuration]
        listed = self._settings.status_list and can_have_status(described)
        credentials = []
        for holder_jwk in holder_jwks:
            place = self.status_list.place(db, issuance, expires_at) if listed else None
            credentials.append(
                self._formats.issue(
                    described,
                    claims,
                    dates=(issued_at, expires_at),
                    holder_jwk=holder_jwk,
                    status={"status": place} if place else {},
                )
            )
        secrets.SystemRandom().shuffle(credentials)
        document: dict[str, Any] = {"credentials": [{"credential": one} for one in credentials]}
        if self._settings.notifications:
            document["notification_id"] = notification_id
        return document

    def notify(self, token: AccessToken, told: Mapping[str, Any]) -> None:
        """Note what became of a response's credentials (section 11); again is no harm.

        Raises:
            CredentialRequestError: `invalid_notification_request`, `invalid_notification_id`.
        """
        notification_id, event = told.get("notification_id"), told.get("event")
        description = told.get("event_description", "")
        if not isinstance(notification_id, str) or event not in EVENTS:
            raise CredentialRequestError(
                "invalid_notification_request", "notification_id or event is missing or unknown"
            )
        if not isinstance(description, str) or not _describes(description):
            raise CredentialRequestError(
                "invalid_notification_request", "event_description has characters it must not have"
            )
        with self._sessions.begin() as db:
            found = (
                db.query(Issuance).filter_by(notification_id=digest(notification_id)).one_or_none()
            )
            if found is None or found.subject != token.subject:
                raise CredentialRequestError(
                    "invalid_notification_id", "there is no such notification_id"
                )
            found.event, found.event_description = str(event), description


def _dataset(db: Session, subject: str, configuration: str) -> Dataset:
    found = db.get(Dataset, (subject, configuration))
    if found is None:
        raise CredentialRequestError(
            "credential_request_denied", "there is no such credential for this person"
        )
    return found


def _describes(text: str) -> bool:
    """Section 11.1: ASCII without quotation marks and backslashes."""
    return text.isascii() and text.isprintable() and not set(text) & set('"\\')
