"""The issuer's state. Nonces are kept as hashes."""

from typing import Any

from sqlalchemy import JSON, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from reference_servers.storage import Expiring


class Base(DeclarativeBase):
    """Base of the tables."""


class Nonce(Expiring, Base):
    """A `c_nonce` that was given out and not used yet."""

    __tablename__ = "nonce"
    value: Mapped[str] = mapped_column(String(64), primary_key=True)


class Dataset(Base):
    """What is known about a subject, for one credential configuration."""

    __tablename__ = "dataset"
    subject: Mapped[str] = mapped_column(String(100), primary_key=True)
    credential_configuration_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    claims: Mapped[dict[str, Any]] = mapped_column(JSON)


class Offer(Expiring, Base):
    """A Credential Offer that was made on the issuer's page."""

    __tablename__ = "offer"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)


class Authority(Base):
    """A key, encrypted, with its certificate, both PEM: the demo CA's, and the issuer's own."""

    __tablename__ = "authority"
    role: Mapped[str] = mapped_column(String(20), primary_key=True)
    private_key: Mapped[str] = mapped_column(Text)
    certificate: Mapped[str] = mapped_column(Text)
