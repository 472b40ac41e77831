"""How a command ends."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wallet import errors
from wallet.app import Wallet
from wallet.cli import commands
from wallet.cli.arguments import EXIT_CODES, parser
from wallet.cli.holder import NAMES
from wallet.errors import WalletError
from wallet.settings import fields, load
from wallet.steps import Step

COMMANDS = (
    *("add", "list", "show", "remove", "pending", "settings", "create", "protection", "protect"),
    *("recovery", "recover", "rotate", "backup", "restore", "export", "import"),
    *("refresh", "issuer", "status", "verify", "trust"),
)


def kinds(kind: type[WalletError]) -> Iterator[type[WalletError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from kinds(below)


def test_every_step_has_a_name() -> None:
    assert set(NAMES) == set(Step)


def test_every_kind_of_error_has_an_exit_code_of_its_own_and_help_tells_it() -> None:
    codes = [kind.exit_code for kind in kinds(WalletError)]
    assert sorted(codes) == [1, 3, 4, 5, 6, 7, 8, 9]
    assert {kind.__module__ for kind in kinds(WalletError)} == {errors.__name__}
    for code in (0, 2, *codes):
        assert f"  {code} " in EXIT_CODES


def test_help_names_every_command_and_setting() -> None:
    assert set(commands.COMMANDS) == set(COMMANDS)
    text = parser().format_help()
    for name in (*COMMANDS, *(f"--{field.name.replace('_', '-')}" for field in fields())):
        assert name in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args([command, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for words in ("--json", "--profile", "--data-folder", "exit codes:", "WALLET_NAME"):
        assert words in text
    assert all(len(field.metadata["help"].split()) > 2 for field in fields())


@pytest.mark.parametrize(
    "words",
    [
        ["add"],
        ["add", "OFFER", "--scan"],
        ["add", "OFFER", "--issuer", "https://issuer.example"],
        ["add", "OFFER", "--grant", "implicit"],
        ["pending", "--check", "--drop", "ID"],
        ["refresh"],
        ["issuer"],
        ["add", "--image", "x.png", "--scan"],
        ["show"],
        ["remove"],
        ["list", "x"],
        ["fly"],
        ["--colour", "red"],
    ],
)
def test_wrong_arguments(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(words)
    assert caught.value.code == 2
    assert "usage: wallet" in capsys.readouterr().err


def test_a_setting_may_stand_before_or_after_the_command() -> None:
    for words in (["--profile", "demo", "list"], ["list", "--profile", "demo"]):
        assert parser().parse_args(words).profile == "demo"
    assert parser().parse_args(["--browser"]).gui == "browser"
    several = parser().parse_args(["list", "--language", "de", "--language", "en"])
    assert several.language == ["de", "en"]
    assert "camera" not in vars(several)  # a flag that was not given does not hide the file's


def test_a_mistake_of_the_wallet_is_told_without_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(_wallet: object, _arguments: object) -> None:
        message = "sentinel-secret"
        raise RuntimeError(message)

    monkeypatch.setattr(commands, "COMMANDS", {"list": broken})
    wallet = Wallet(load({"data_folder": tmp_path, "key_derivation_ms": "0"}, {}))
    assert commands.run(wallet, parser().parse_args(["list", "--json"])) == 1
    printed = capsys.readouterr()
    error = json.loads(printed.out)["error"]
    assert error["code"] == "internal"
    assert error["detail"].startswith("RuntimeError at test_commands.py:")
    assert "sentinel" not in printed.out + printed.err


def test_who_reads_only_the_first_line_is_no_error(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "from wallet.__main__ import main\n"
        "reader, writer = os.pipe()\n"
        "os.close(reader)\n"
        "os.dup2(writer, 1)\n"
        f"sys.argv = ['wallet', 'settings', '--data-folder', {str(tmp_path)!r}]\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
