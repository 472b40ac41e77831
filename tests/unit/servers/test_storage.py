"""What is kept, and for how long."""

import time
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from reference_servers.authorization_server.database import Base, BrowserSession, Person
from reference_servers.storage import KEPT_S, digest, open_database, password, sweep

SECRET = "sentinel-secret"


def test_s11_what_ended_is_swept_after_a_while(tmp_path: Path) -> None:
    sessions = open_database(f"sqlite:///{tmp_path / 'a.db'}", Base)
    now = time.time()
    ends = {"live": now + 60, "lately": now - KEPT_S + 60, "ended": now - KEPT_S - 1}
    with sessions.begin() as db:
        for name, expires_at in ends.items():
            db.add(BrowserSession(id=name, csrf="", expires_at=expires_at))
    with sessions.begin() as db:
        sweep(db, Base)
        assert set(db.scalars(select(BrowserSession.id))) == {"live", "lately"}


def test_an_error_does_not_show_what_was_to_be_kept(tmp_path: Path) -> None:
    sessions = open_database(f"sqlite:///{tmp_path / 'a.db'}", Base)
    people = [Person(username=n, subject="1", name="", password=SECRET) for n in ("a", "b")]
    with pytest.raises(IntegrityError) as failed, sessions.begin() as db:
        db.add_all(people)
    assert SECRET not in str(failed.value)


def test_the_password_of_the_keys_is_made_once(tmp_path: Path) -> None:
    made = password(tmp_path)
    assert len(made) >= 32
    assert password(tmp_path) == made
    assert [file.name for file in tmp_path.iterdir()] == ["key-password"]


def test_any_text_can_be_looked_up() -> None:
    assert len({digest(text) for text in ("", "a", "\0", "é", "\ud800")}) == 5
