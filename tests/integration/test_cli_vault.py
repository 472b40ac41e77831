"""The command line of the vault as a process: protection, recovery, backups; no secret shown."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_cli import PASSPHRASE, Cli, Terminal
from tests.support.reference_servers import ReferenceServers, reference_servers

NEW = "sentinel-new-passphrase"
OF_BACKUP = "sentinel-backup-passphrase"
CLOSED = {"passphrase": True, "keyring": False, "recovery": True, "recovery_confirmed": True}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReferenceServers]:
    with reference_servers(tmp_path_factory.mktemp("servers")) as both:
        yield both


@pytest.fixture
def cli(tmp_path: Path, servers: ReferenceServers) -> Cli:
    """A command without a wallet yet, and the files with the passphrases it is given."""
    command = Cli(tmp_path, servers)
    for name, text in (("new", NEW), ("of-backup", OF_BACKUP), ("wrong", "sentinel-wrong")):
        (tmp_path / name).write_text(f"{text}\n")
    return command


def file(cli: Cli, name: str) -> str:
    return str(cli.folder / name)


def make(cli: Cli) -> str:
    """A wallet with a recovery code; the code."""
    made = cli("create", "--recovery-code-file", file(cli, "code"))
    assert made.returncode == 0, made.stderr
    code = (cli.folder / "code").read_text().strip()
    assert code not in made.stdout + made.stderr
    return code


def fails(cli: Cli, *arguments: str, exit_code: int = 4) -> str:
    """The code of the error in which a command ends."""
    done = cli(*arguments, "--json")
    assert done.returncode == exit_code, done.stdout + done.stderr
    assert "sentinel" not in done.stdout + done.stderr
    return str(json.loads(done.stdout)["error"]["code"])


def restoring(cli: Cli, *, passphrase: str = "of-backup") -> tuple[str, ...]:
    return (
        *("restore", file(cli, "backup.age"), "--backup-passphrase-file", file(cli, passphrase)),
        *("--with-passphrase", "--new-passphrase-file", file(cli, "new")),
    )


def test_backed_up_and_restored_exported_and_imported(cli: Cli, servers: ReferenceServers) -> None:
    code = make(cli)
    for configuration in ("pid", "diploma"):
        ended, _, log = cli.add(servers.offer(configuration))
        assert ended == 0, log
    listed = cli.json("list")
    assert len(listed) == 2
    of_backup = ("--backup-passphrase-file", file(cli, "of-backup"))

    backup = cli.json("backup", file(cli, "backup.age"), *of_backup)
    assert backup == {
        "file": file(cli, "backup.age"),
        "bytes": (cli.folder / "backup.age").stat().st_size,
    }
    assert (cli.folder / "backup.age").read_bytes().startswith(b"age-encryption.org/v1\n")
    assert fails(cli, "backup", file(cli, "backup.age"), *of_backup) == "settings_invalid"
    cli.json("backup", file(cli, "backup.age"), "--force", *of_backup)

    other = ("--data-folder", file(cli, "other"))
    opened = (*other, "--passphrase-file", file(cli, "new"))
    wrong = restoring(cli, passphrase="wrong")
    assert fails(cli, *wrong, *other) == "backup_passphrase_wrong"
    assert not (cli.folder / "other").exists()
    assert cli.json(*restoring(cli), *other) == listed
    assert cli.json("list", *opened) == listed
    assert cli.json("show", listed[0]["id"], *opened) == cli.json("show", listed[0]["id"])
    assert fails(cli, "list", *other) == "passphrase_wrong"
    assert cli.json("protection", *opened)["recovery"] is False
    assert fails(cli, *restoring(cli), *other) == "store_present"
    assert cli.json(*restoring(cli), *other, "--replace") == listed

    exported = file(cli, "diploma.age")
    assert cli.json("export", listed[0]["id"], exported, *of_backup)["id"] == listed[0]["id"]
    assert fails(cli, "export", listed[0]["id"], exported, *of_backup) == "settings_invalid"
    assert fails(cli, "export", "nothing", exported, "--force") == "credential_not_found"
    cli.json("remove", listed[0]["id"])
    wrong = ("--backup-passphrase-file", file(cli, "wrong"))
    assert fails(cli, "import", exported, *wrong) == "backup_passphrase_wrong"
    assert fails(cli, "import", file(cli, "code"), *of_backup) == "backup_unreadable"
    assert cli.json("import", exported, *of_backup) == listed[:1]
    again = cli("import", exported, *of_backup)
    assert "here already" in again.stderr
    assert {one["id"] for one in cli.json("list")} == {one["id"] for one in listed}

    secrets = (PASSPHRASE, NEW, OF_BACKUP, code, "Mustermann", "Heidestra", "eyJhbGci", "eyJ0eXAi")
    sealed = [cli.folder / "backup.age", cli.folder / "diploma.age"]
    for folder in ("wallet", "other"):
        sealed += [one for one in (cli.folder / folder).rglob("*") if one.is_file()]
    for one in sealed:
        content = one.read_bytes()
        assert [secret for secret in secrets if secret.encode() in content] == [], one


def test_recovered_after_the_passphrase_is_lost(cli: Cli) -> None:
    make(cli)
    assert (cli.folder / "code").stat().st_mode & 0o777 == 0o600
    assert cli.json("protection") == CLOSED
    (cli.folder / "passphrase").write_text("forgotten it\n")
    assert fails(cli, "list") == "passphrase_wrong"
    anew = ("--with-passphrase", "--new-passphrase-file", file(cli, "new"))
    for name in ("wrong", "code-of-another"):
        (cli.folder / "code-of-another").write_text("0000-0000-0000-0000-0000-0000-0000")
        recover = ("recover", "--recovery-code-file", file(cli, name), *anew)
        assert fails(cli, *recover) == "recovery_wrong"
    done = cli("recover", "--recovery-code-file", file(cli, "code"), *anew)
    assert (done.returncode, done.stdout) == (
        0,
        "opened by a passphrase\nrecovery code: confirmed\n",
    )
    assert "does not hold the new passphrase" in done.stderr
    assert cli.json("list", "--passphrase-file", file(cli, "new")) == []


def test_protected_anew_and_encrypted_anew(cli: Cli) -> None:
    make(cli)
    protect = ("protect", "--with-passphrase", "--new-passphrase-file")
    (cli.folder / "short").write_text("short")
    assert fails(cli, *protect, file(cli, "short")) == "passphrase_too_short"
    assert fails(cli, *protect, file(cli, "nowhere")) == "settings_invalid"
    assert fails(cli, "protect", "--with-passphrase") == "passphrase_needed"
    assert fails(cli, "protect", "--with-keyring") == "keyring_unavailable"
    both = ("protect", "--with-keyring", "--new-passphrase-file", file(cli, "new"))
    assert fails(cli, *both) == "settings_invalid"
    assert cli.json("protection") == CLOSED

    assert cli.json(*protect, file(cli, "new")) == CLOSED
    assert fails(cli, "list") == "passphrase_wrong"
    assert fails(cli, "rotate") == "passphrase_wrong"
    opened = ("--passphrase-file", file(cli, "new"))
    assert cli.json("rotate", *opened) == {"rotated": True}
    assert cli.json("protection", *opened) == CLOSED


def test_a_new_code_ends_the_older_one(cli: Cli) -> None:
    older = make(cli)
    assert fails(cli, "recovery", "--recovery-code-file", file(cli, "code")) == "settings_invalid"
    assert fails(cli, "recovery") == "settings_invalid"
    assert (cli.folder / "code").read_text().strip() == older
    assert cli.json("recovery", "--recovery-code-file", file(cli, "newer")) == CLOSED
    anew = ("--with-passphrase", "--new-passphrase-file", file(cli, "new"))
    recover = ("recover", *anew, "--recovery-code-file")
    assert fails(cli, *recover, file(cli, "code")) == "recovery_wrong"
    assert cli.json(*recover, file(cli, "newer")) == CLOSED


def test_who_has_no_code_is_told(cli: Cli) -> None:
    made = cli("create")
    assert "no recovery code yet: `wallet recovery` makes one" in made.stderr
    listed = cli("list")
    assert "no recovery code yet" in listed.stderr
    assert "recovery code" not in cli("list", "--json").stderr
    with Terminal(cli.command("list", "--json"), cli.environment) as terminal:
        terminal.until("no recovery code yet")
        assert terminal.end() == (0, "[]\n")
    anew = ("--with-passphrase", "--new-passphrase-file", file(cli, "new"))
    recover = ("recover", "--recovery-code-file", file(cli, "new"), *anew)
    assert fails(cli, *recover) == "recovery_wrong"


NEEDS_A_WALLET: dict[str, tuple[tuple[str, ...], str]] = {
    "protection": (("protection",), "settings_invalid"),
    "protect": (("protect", "--with-passphrase"), "settings_invalid"),
    "recovery": (("recovery", "--recovery-code-file", "FOLDER/code"), "settings_invalid"),
    "recover": (("recover", "--with-keyring"), "settings_invalid"),
    "rotate": (("rotate",), "settings_invalid"),
    "backup": (("backup", "FOLDER/backup.age"), "settings_invalid"),
    "export": (("export", "ID", "FOLDER/one.age"), "settings_invalid"),
    "import": (("import", "FOLDER/one.age"), "settings_invalid"),
    "resume": (("pending", "--resume", "ID"), "issuance_not_found"),
    "drop": (("pending", "--drop", "ID"), "issuance_not_found"),
}


@pytest.mark.parametrize("name", NEEDS_A_WALLET)
def test_without_a_wallet_nothing_is_made(name: str, cli: Cli) -> None:
    arguments, code = NEEDS_A_WALLET[name]
    before = set(cli.folder.iterdir())
    arguments = tuple(one.replace("FOLDER", str(cli.folder)) for one in arguments)
    assert fails(cli, *arguments) == code
    assert cli.json("pending") == []
    assert set(cli.folder.iterdir()) == before


# --- a person at a terminal -----------------------------------------------------------------------


class Person(Terminal):
    """A terminal that shows standard output, too."""

    def __init__(self, cli: Cli, *arguments: str) -> None:
        onto_the_terminal = ["sh", "-c", 'exec "$@" >&2', "sh", *cli.command(*arguments)]
        super().__init__(onto_the_terminal, cli.environment)

    def read_code(self) -> str:
        self.until("Recovery code: ")
        return self.until("\r\n")


def protection(cli: Cli) -> dict[str, Any]:
    shown: dict[str, Any] = cli.json("protection")
    return shown


def test_a_person_types_the_code_back(cli: Cli) -> None:
    with Person(cli, "create") as person:
        code = person.read_code()
        person.until("Type it here")
        person.type(code[:-1])
        person.until("not the recovery code")
        person.until("Type it here")
        person.type(code.lower().replace("-", " "))
        person.until("Confirmed.")
        assert person.end()[0] == 0
    assert protection(cli) == CLOSED

    with Person(cli, "recover", "--with-passphrase") as person:
        person.until("Recovery code:")
        person.type(code)
        assert code not in person.until("Choose a new passphrase:")
        person.type(NEW)
        assert NEW not in person.until("Once more:")
        person.type(NEW)
        assert NEW not in person.until("recovery code: confirmed")
        assert person.end()[0] == 0
    assert cli.json("list", "--passphrase-file", file(cli, "new")) == []


def test_a_person_who_confirms_later_is_reminded(cli: Cli) -> None:
    with Person(cli, "create") as person:
        person.read_code()
        person.until("Type it here")
        person.type("")
        person.until("never confirmed: `wallet recovery` makes a new one")
        assert person.end()[0] == 0
    assert protection(cli) == {**CLOSED, "recovery_confirmed": False}
    with Person(cli, "recovery") as person:
        person.read_code()
        person.until("Type it here")
        person.process.send_signal(signal.SIGINT)
        person.until("code: cancelled")
        assert person.end()[0] == 3
    assert protection(cli) == {**CLOSED, "recovery_confirmed": False}


STOPPED: dict[str, tuple[tuple[str, ...], str]] = {
    "protect": (("protect", "--with-passphrase"), "Choose a new passphrase:"),
    "recover": (("recover", "--with-passphrase"), "Recovery code:"),
    "backup": (("backup", "FOLDER/backup.age"), "Choose a passphrase for this file:"),
    "backup, while it is written": (
        ("backup", "FOLDER/backup.age", "--backup-passphrase-file", "FOLDER/of-backup"),
        "Writing the backup",
    ),
    "restore": (("restore", "FOLDER/x", "--with-keyring"), "Passphrase of this file:"),
    "import": (("import", "FOLDER/x"), "Passphrase of this file:"),
}


@pytest.mark.parametrize("name", STOPPED)
def test_ctrl_c_leaves_nothing_half(name: str, cli: Cli) -> None:
    make(cli)
    arguments, words = STOPPED[name]
    arguments = tuple(one.replace("FOLDER", str(cli.folder)) for one in arguments)
    before = set(cli.folder.iterdir())
    with Person(cli, *arguments) as person:
        person.until(words)
        person.process.send_signal(signal.SIGINT)
        person.until("code: cancelled")
        assert person.end()[0] == 3
    assert set(cli.folder.iterdir()) == before
    assert protection(cli) == CLOSED


def test_a_restoration_is_stopped(cli: Cli) -> None:
    make(cli)
    of_backup = ("--backup-passphrase-file", file(cli, "of-backup"))
    cli.json("backup", file(cli, "backup.age"), *of_backup)
    before = {one.name for one in (cli.folder / "wallet").iterdir()}
    with Person(cli, *restoring(cli), "--replace") as person:
        person.until("Reading the backup")
        person.process.send_signal(signal.SIGINT)
        person.until("code: cancelled")
        assert person.end()[0] == 3
    assert {one.name for one in (cli.folder / "wallet").iterdir()} == before
    assert protection(cli) == CLOSED
