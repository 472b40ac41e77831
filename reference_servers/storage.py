"""What both servers keep: an SQL database, and a password for the private keys in it."""

import hashlib
import secrets
import time
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, create_engine, delete, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

KEPT_S: Final = 300
"""How long something is kept beyond its end, so that its reuse can be told from a mistake."""


class Expiring:
    """Columns of a table whose rows end."""

    expires_at: Mapped[float] = mapped_column(index=True)


def digest(secret: str) -> str:
    """What is kept of a secret that is looked up. Takes any text, also broken one."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def open_database(url: str, tables: type[DeclarativeBase]) -> sessionmaker[Session]:
    """Open the database, making its tables where they are missing."""
    engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        _tune_sqlite(engine)
    tables.metadata.create_all(engine)
    return sessionmaker(engine, expire_on_commit=False)


def sweep(db: Session, tables: type[DeclarativeBase]) -> None:
    """Delete what ended long enough ago."""
    for mapper in tables.registry.mappers:
        if issubclass(mapper.class_, Expiring):
            ended = mapper.class_.expires_at < time.time() - KEPT_S
            db.execute(delete(mapper.class_).where(ended))


def password(folder: Path, name: str = "key-password") -> bytes:
    """A secret in a file beside the database, made at first start.

    `key-password` encrypts the private keys in the database.
    """
    file = folder / name
    if not file.exists():
        new = file.with_suffix(".new")
        new.write_text(secrets.token_urlsafe(32))
        new.replace(file)
    return file.read_bytes()


def _tune_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DB-API connection
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA busy_timeout = 10000")
