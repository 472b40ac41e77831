"""The arguments and the parts of the commands about protection and backups."""

import signal
from pathlib import Path

import pytest

from wallet.cli.arguments import parser
from wallet.cli.holder import read_secret
from wallet.cli.output import print_protection
from wallet.cli.recovery import code_file, uninterrupted
from wallet.cli.vault_commands import VAULT_COMMANDS
from wallet.errors import LocalFailure
from wallet.records import Protection


@pytest.mark.parametrize("command", VAULT_COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"  {command} " in parser().format_help()
    with pytest.raises(SystemExit) as caught:
        parser().parse_args([command, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for words in ("--json", "--profile", "exit codes:"):
        assert words in text


@pytest.mark.parametrize(
    "words",
    [
        ["protect"],
        ["protect", "--with-passphrase", "--with-keyring"],
        ["recover"],
        ["restore", "FILE"],
        ["restore", "--with-keyring"],
        ["backup"],
        ["backup", "FILE", "secret"],
        ["export", "ID"],
        ["import"],
        ["recovery", "CODE"],
    ],
)
def test_wrong_arguments(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(words)
    assert caught.value.code == 2
    assert "usage: wallet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("protection", "lines"),
    [
        (Protection(True, False, False, False), ["opened by a passphrase", "recovery code: none"]),
        (
            Protection(True, True, True, False),
            [
                "opened by a passphrase together with this computer's keyring",
                "recovery code: not confirmed",
            ],
        ),
        (
            Protection(False, True, True, True),
            ["opened by this computer's keyring", "recovery code: confirmed"],
        ),
    ],
)
def test_what_opens_it(
    protection: Protection, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    print_protection(protection)
    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_in_a_file_has_no_end_of_line(tmp_path: Path, end: str) -> None:
    file = tmp_path / "secret"
    file.write_bytes(f" für sich {end}".encode())
    assert read_secret(file, "--flag").reveal() == " für sich "


def test_a_file_that_holds_no_secret(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"sentinel\xff")
    for file in (binary, tmp_path / "missing", tmp_path):
        with pytest.raises(LocalFailure) as caught:
            read_secret(file, "--flag")
        assert caught.value.code == "settings_invalid"
        assert caught.value.detail.startswith("--flag: ")
        assert "sentinel" not in str(caught.value)


def test_a_file_for_a_code_is_the_owners_and_never_another_one(tmp_path: Path) -> None:
    file = tmp_path / "code"
    with code_file(file):
        assert file.stat().st_mode & 0o777 == 0o600
    assert not file.exists()  # nothing was written into it
    with code_file(file):
        file.write_text("code")
    for present in (file, tmp_path / "nowhere" / "code"):
        with pytest.raises(LocalFailure) as caught, code_file(present):
            pass
        assert caught.value.code == "settings_invalid"
    assert file.read_text() == "code"


def test_what_must_not_stay_half_done_is_not_interrupted() -> None:
    before = signal.getsignal(signal.SIGINT)
    with uninterrupted():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
