"""The backup file: what is written is read back, and nothing else is believed."""

import os
import pty
import secrets
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet.errors import LocalFailure
from wallet.records import Secret
from wallet.vault import backup as module
from wallet.vault.backup import AGE, OWN, Backup, backup_of, lines_of, read_backup
from wallet.vault.backup import write_backup as write
from wallet.vault.store import Put

PASSPHRASE = Secret("correct horse")
SENTINEL = "quark-sentinel"


def a_backup(number: int = 3) -> Backup:
    records = tuple(
        Put("credential", f"c{n}", f"{SENTINEL} {n}".encode() + secrets.token_bytes(8), ("k",))
        for n in range(number)
    )
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return Backup("0123456789abcdef", 7, moment, 'language = ["de"]\n', records)


@pytest.fixture(params=["age", "own"])
def container(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "own":
        monkeypatch.setattr(module, "has_age", lambda: False)
        monkeypatch.setattr(module, "_MEMORY_KIB", 64)
    return str(request.param)


def test_what_is_written_is_read_back(container: str, tmp_path: Path) -> None:
    path, backup = tmp_path / "wallet.age", a_backup()
    size = write(path, PASSPHRASE, backup)
    content = path.read_bytes()
    assert size == len(content)
    assert content.startswith(AGE if container == "age" else OWN)
    assert SENTINEL.encode() not in content
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["wallet.age"]
    assert read_backup(path, PASSPHRASE) == backup
    with pytest.raises(LocalFailure) as wrong:
        read_backup(path, Secret("another horse"))
    assert wrong.value.code == "backup_passphrase_wrong"


def test_flipped_and_missing_bytes_are_refused(container: str, tmp_path: Path) -> None:
    """Some bytes of each part; `./run soak` flips every one (the derivation is slow on purpose)."""
    path = tmp_path / "wallet.age"
    write(path, PASSPHRASE, a_backup(1))
    content = path.read_bytes()
    places = [0, 30, 60, len(content) // 2, len(content) - 1]
    damaged = [content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :] for at in places]
    for one in (*damaged, content[:-1], content[: len(AGE)], b"", content + b"x"):
        path.write_bytes(one)
        with pytest.raises(LocalFailure) as refused:
            read_backup(path, PASSPHRASE)
        assert refused.value.code in ("backup_unreadable", "backup_passphrase_wrong")


def test_a_forged_cost_is_refused_before_it_is_paid(tmp_path: Path) -> None:
    path = tmp_path / "wallet.age"
    write(path, PASSPHRASE, a_backup(1))
    head, stanza, rest = path.read_bytes().split(b"\n", 2)
    path.write_bytes(b"\n".join([head, stanza.rpartition(b" ")[0] + b" 40", rest]))
    with pytest.raises(LocalFailure) as refused:
        read_backup(path, PASSPHRASE)
    assert refused.value.code == "backup_too_costly"


def test_a_short_passphrase_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(LocalFailure) as refused:
        write(tmp_path / "wallet.age", Secret("short"), a_backup())
    assert refused.value.code == "passphrase_too_short"
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_read_back_is_not_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "lines_of", lambda backup: lines_of(replace(backup, records=())))
    path = tmp_path / "wallet.age"
    path.write_text("the backup of yesterday")
    with pytest.raises(LocalFailure) as refused:
        write(path, PASSPHRASE, a_backup())
    assert refused.value.code == "backup_unreadable"
    assert path.read_text() == "the backup of yesterday"
    assert [one.name for one in tmp_path.iterdir()] == ["wallet.age"]


def test_the_stock_age_program_opens_it(tmp_path: Path) -> None:
    age = shutil.which("age")
    if not age:
        pytest.skip("needs the package age")
    path, backup = tmp_path / "wallet.age", a_backup()
    write(path, PASSPHRASE, backup)
    opened = _at_a_terminal([age, "--decrypt", "-o", str(tmp_path / "open"), str(path)])
    assert opened == 0
    assert backup_of((tmp_path / "open").read_bytes()) == backup


def _at_a_terminal(command: list[str]) -> int:
    """Run a program that asks for the passphrase at its terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(command[0], command)
    seen = b""
    try:
        while b":" not in seen:
            seen += os.read(terminal, 1000)
        os.write(terminal, PASSPHRASE.reveal().encode() + b"\n")
        while True:
            os.read(terminal, 1000)
    except OSError:  # the program has closed its end
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    finally:
        os.close(terminal)


@given(st.binary(max_size=200))
def test_any_bytes_end_in_our_own_error(content: bytes) -> None:
    with pytest.raises(LocalFailure) as refused:
        backup_of(content)
    assert refused.value.code == "backup_unreadable"


@pytest.mark.parametrize(
    "edit",
    [
        lambda lines: lines[:-1],
        lambda lines: lines[:1] + lines[2:],
        lambda lines: [lines[0].replace(b'"version": 1', b'"version": 2'), *lines[1:]],
        lambda lines: [lines[0], lines[1].replace(b'"kind"', b'"art"'), *lines[2:]],
        lambda lines: [lines[0].replace(b'"generation": 7', b'"generation": "7"'), *lines[1:]],
    ],
)
def test_lines_that_are_missing_or_strange(edit: Any) -> None:
    lines = lines_of(a_backup()).splitlines(keepends=True)
    with pytest.raises(LocalFailure):
        backup_of(b"".join(edit(lines)))
