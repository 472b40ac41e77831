"""The issuer's state. Nonces, transactions, notification ids and sessions are kept as hashes."""

from typing import Any

from sqlalchemy import JSON, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from reference_servers import dpop
from reference_servers.storage import Expiring


class Base(DeclarativeBase):
    """Base of the tables."""


class Nonce(Expiring, Base):
    """A `c_nonce` that was given out and not used yet."""

    __tablename__ = "nonce"
    value: Mapped[str] = mapped_column(String(64), primary_key=True)


class SeenProof(dpop.SeenProof, Base):
    """A DPoP proof that was used."""

    __tablename__ = "seen_proof"


class Dataset(Base):
    """What is known about a subject, for one credential configuration."""

    __tablename__ = "dataset"
    subject: Mapped[str] = mapped_column(String(100), primary_key=True)
    credential_configuration_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    claims: Mapped[dict[str, Any]] = mapped_column(JSON)


class Offer(Expiring, Base):
    """A Credential Offer that was made on the issuer's pages."""

    __tablename__ = "offer"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)


class Message(Expiring, Base):
    """A transaction code on its way to a person, by a second channel."""

    __tablename__ = "message"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    tx_code: Mapped[str] = mapped_column(String(100))


class Transaction(Expiring, Base):
    """A deferred issuance."""

    __tablename__ = "transaction"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    subject: Mapped[str] = mapped_column(String(100))
    client_id: Mapped[str] = mapped_column(String(200))
    credential_configuration_id: Mapped[str] = mapped_column(String(100))
    holder_jwks: Mapped[list[Any]] = mapped_column(JSON)
    """One credential each; None stands for a credential that is bound to no key."""
    requested_at: Mapped[float]
    decision: Mapped[str] = mapped_column(String(10), default="")
    """The operator's: empty, `approve` or `deny`."""


class Issuance(Expiring, Base):
    """A Credential Response with credentials: one credential, or copies of it."""

    __tablename__ = "issuance"
    id: Mapped[int] = mapped_column(primary_key=True)
    notification_id: Mapped[str] = mapped_column(String(64), unique=True)
    subject: Mapped[str] = mapped_column(String(100))
    client_id: Mapped[str] = mapped_column(String(200))
    credential_configuration_id: Mapped[str] = mapped_column(String(100))
    copies: Mapped[int]
    issued_at: Mapped[float]
    status: Mapped[int] = mapped_column(default=0)
    """Token Status List, section 7.1: 0 valid, 1 invalid, 2 suspended."""
    event: Mapped[str] = mapped_column(String(30), default="")
    event_description: Mapped[str] = mapped_column(Text, default="")


class StatusEntry(Expiring, Base):
    """The place of one credential in the status list."""

    __tablename__ = "status_entry"
    idx: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    issuance_id: Mapped[int] = mapped_column(index=True)


class Forgiven(Base):
    """How often something was taken that the strict profile refuses, by rule and client."""

    __tablename__ = "forgiven"
    rule: Mapped[str] = mapped_column(String(40), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    times: Mapped[int]


class OperatorSession(Expiring, Base):
    """A browser's session; signed in or not yet."""

    __tablename__ = "operator_session"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    csrf: Mapped[str] = mapped_column(String(64))
    signed_in: Mapped[bool]


class Authority(Base):
    """A key, encrypted, with its certificate, both PEM: the demo CA's, and the issuer's own.

    The key that Credential Requests are encrypted for has no certificate.
    """

    __tablename__ = "authority"
    role: Mapped[str] = mapped_column(String(20), primary_key=True)
    private_key: Mapped[str] = mapped_column(Text)
    certificate: Mapped[str] = mapped_column(Text)
