"""The issuer's state. Nonces are kept as hashes."""

import hashlib
import time
from typing import Any

from sqlalchemy import JSON, Engine, String, Text, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker


def digest(secret: str) -> str:
    """What is kept of a secret that is looked up."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Base(DeclarativeBase):
    """Base of the tables."""


class Nonce(Base):
    """A `c_nonce` that was given out and not used yet."""

    __tablename__ = "nonce"
    value: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[float]


class Dataset(Base):
    """What is known about a subject, for one credential configuration."""

    __tablename__ = "dataset"
    subject: Mapped[str] = mapped_column(String(100), primary_key=True)
    credential_configuration_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    claims: Mapped[dict[str, Any]] = mapped_column(JSON)


class Offer(Base):
    """A Credential Offer that was made on the issuer's page."""

    __tablename__ = "offer"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    expires_at: Mapped[float]


class Authority(Base):
    """A key with its certificate, PEM: the demo CA, and the issuer's own."""

    __tablename__ = "authority"
    role: Mapped[str] = mapped_column(String(20), primary_key=True)
    private_key: Mapped[str] = mapped_column(Text)
    certificate: Mapped[str] = mapped_column(Text)


def open_database(url: str) -> sessionmaker[Session]:
    """Open the database, making its tables where they are missing."""
    engine = create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        _tune_sqlite(engine)
    Base.metadata.create_all(engine)
    sessions = sessionmaker(engine, expire_on_commit=False)
    with sessions.begin() as db:
        for table in (Nonce, Offer):
            db.query(table).filter(table.expires_at < time.time()).delete()
    return sessions


def _tune_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DB-API connection
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA busy_timeout = 10000")
