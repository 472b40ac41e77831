"""The arguments of the command `wallet`."""

import argparse
import typing
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

from wallet.policy import PRE_AUTHORIZED_CODE, GrantType
from wallet.report import Trust
from wallet.settings import APPLICATION, ENVIRONMENT_PREFIX, Settings, fields, flag

EXIT_CODES = """\
exit codes:
  0 done                          5 a service could not be reached
  1 a mistake of the wallet       6 a service refused
  2 wrong arguments               7 a service broke the protocol
  3 you declined, or cancelled    8 not supported
  4 something on this computer    9 the credential failed verification
"""

SETTINGS = f"""\
Every setting below is also an entry of the settings file (TOML, with _ instead of -) and an
environment variable ({ENVIRONMENT_PREFIX}NAME): a flag is stronger than a variable, a variable
stronger than the file. `wallet settings` prints what is in force and where it came from.
"""

PROTECT = """\
It is opened by what protects it now: the setting passphrase_file holds the present passphrase,
--new-passphrase-file the new one. A recovery code stays good.
"""

RECOVERY = """\
The code opens the wallet where its passphrase or keyring is lost; an older code no longer does.
It is shown once at a terminal and confirmed by typing it back, or written into a file.
"""

BACKUP = """\
The file holds the credentials, their keys, interrupted issuances and the settings, encrypted under
a passphrase of its own (an age file). It is read back before the command says that it is written.
"""

RESTORE = """\
The file is verified wholly before anything changes. A wallet that is here already is not touched
without --replace, and then set aside, not deleted. The settings of the backup are written where
there is no settings file. The new wallet needs a new recovery code.
"""

ADD = """\
Of an offer with several credentials, all are got, or those that --configuration names. Where the
issuer needs time, `wallet pending` lists the issuance; an open window, or `wallet pending --check`,
gets the credential later.
"""

STATUS = """\
Without ID, those are asked about whose last answer is old, as an open window does by itself. The
status list is fetched whole, so that its publisher does not learn which credential is meant.
"""

GRANTS: Final[Mapping[str, GrantType]] = {
    "authorization_code": "authorization_code",
    "pre-authorized_code": PRE_AUTHORIZED_CODE,
}

ACCEPTED: Final[Mapping[str, tuple[Trust, ...]]] = {
    "domain": (Trust.DOMAIN,),
    "unknown": (Trust.DOMAIN, Trust.UNKNOWN),
    "unverified": (Trust.DOMAIN, Trust.UNKNOWN, Trust.UNVERIFIED),
}
"""What `--accept-issuer` lets pass: a level, and what is better."""

TRUST = """\
Without more it lists whom this wallet trusts, with SHA-256 fingerprints. `add` takes a file with
certificates (PEM or DER), or an issuer by its https address or DID. `remove` takes the fingerprint
or enough of its beginning; what is in a file of the setting trust_anchor goes with that setting.
"""

VERIFY = """\
Use it where an issuer could not be asked for its keys, or where you trust somebody else since. It
deletes nothing: what is refused is marked so.
"""

IMPORT = """\
Those that are here already stay as they are.
"""


def _settings_flags() -> argparse.ArgumentParser:
    parent = argparse.ArgumentParser(add_help=False)
    group = parent.add_argument_group("settings", SETTINGS)
    suppress: typing.Any = argparse.SUPPRESS
    group.add_argument("--profile", default=suppress, help="which wallet to use (default: default)")
    group.add_argument("--settings-file", type=Path, default=suppress, help="settings file to read")
    kinds = typing.get_type_hints(Settings)
    for field in fields():
        kind = kinds[field.name]
        text = field.metadata["help"]
        if kind is bool:
            group.add_argument(
                flag(field.name),
                action=argparse.BooleanOptionalAction,
                default=suppress,
                help=text,
            )
        elif typing.get_origin(kind) is tuple:
            group.add_argument(
                flag(field.name),
                action="append",
                default=suppress,
                metavar=field.name.upper(),
                help=f"{text}; may be given several times",
            )
        else:
            group.add_argument(
                flag(field.name), default=suppress, metavar=field.name.upper(), help=text
            )
    return parent


def _print_url(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--no-browser",
        dest="print_url",
        action="store_true",
        help="print the authorization URL instead of opening it, and wait for the redirect",
    )


def _trace(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--trace", type=Path, metavar="FILE", help="write what happens, without secrets, as JSON"
    )


def _accepts(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--accept-issuer",
        choices=list(ACCEPTED),
        help="keep credentials unasked whose issuer is known by its address only (domain), also "
        "those of nobody knows whom (unknown), also those that cannot be verified now (unverified)",
    )


def _code_file(command: argparse.ArgumentParser, text: str) -> None:
    command.add_argument("--recovery-code-file", type=Path, metavar="FILE", help=text)


def _protection(command: argparse.ArgumentParser) -> None:
    way = command.add_mutually_exclusive_group(required=True)
    way.add_argument("--with-passphrase", action="store_true", help="a passphrase opens it")
    way.add_argument("--with-keyring", action="store_true", help="this computer's keyring opens it")
    command.add_argument(
        "--new-passphrase-file",
        type=Path,
        metavar="FILE",
        help="file that holds the new passphrase; asked for if not given",
    )


def _encrypted_file(command: argparse.ArgumentParser, text: str, *, new: bool) -> None:
    command.add_argument("file", type=Path, metavar="FILE", help=text)
    command.add_argument(
        "--backup-passphrase-file",
        type=Path,
        metavar="FILE",
        help="file that holds the passphrase of FILE; asked for if not given",
    )
    if new:
        command.add_argument("--force", action="store_true", help="overwrite FILE if it is there")


def _vault_commands(command: Callable[..., argparse.ArgumentParser]) -> None:
    command("protection", "tell what opens the wallet, and whether there is a recovery code")
    protect = command("protect", "let another passphrase, or the keyring, open the wallet", PROTECT)
    _protection(protect)
    recovery = command("recovery", "make a new recovery code", RECOVERY)
    _code_file(recovery, "write it into this new file, instead of showing it")
    recover = command("recover", "open the wallet by its recovery code, and protect it anew")
    _code_file(recover, "file that holds the code; asked for if not given")
    _protection(recover)
    command("rotate", "encrypt everything anew under a fresh key")
    backup = command("backup", "write everything into one encrypted file", BACKUP)
    _encrypted_file(backup, "the file to write", new=True)
    restore = command("restore", "make the wallet from a backup", RESTORE)
    _encrypted_file(restore, "the backup", new=False)
    restore.add_argument(
        "--replace", action="store_true", help="set a wallet that is here already aside"
    )
    _protection(restore)
    export = command("export", "write one credential, with its key, into an encrypted file")
    export.add_argument("id", metavar="ID", help="as `wallet list` prints it")
    _encrypted_file(export, "the file to write", new=True)
    take = command("import", "take the credentials of an exported file, or of a backup", IMPORT)
    _encrypted_file(take, "the file to read", new=False)


def parser() -> argparse.ArgumentParser:
    """The parser. `command` is None for the window."""
    settings = _settings_flags()
    json = argparse.ArgumentParser(add_help=False)
    json.add_argument("--json", action="store_true", help="print JSON")
    top = argparse.ArgumentParser(
        prog="wallet",
        description="A wallet for verifiable credentials. Without a command it opens its window.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[settings],
    )
    top.add_argument("--version", action="version", version=f"wallet {version(APPLICATION)}")
    top.add_argument(
        "--browser",
        dest="gui",
        action="store_const",
        const="browser",
        default=argparse.SUPPRESS,
        help="short for --gui browser: serve the window's contents to the browser",
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, text: str, more: str = "") -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=text,
            description=f"{text}\n\n{more}".strip(),
            parents=[json, settings],
            epilog=EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    create = command("create", "make a new wallet; `add` does it too when there is none")
    create.add_argument(
        "--with-passphrase", action="store_true", help="protect it by a passphrase, not the keyring"
    )
    _code_file(create, "write the recovery code into this new file, instead of showing it")
    add = command("add", "get credentials from an offer, or from an issuer", ADD)
    way = add.add_mutually_exclusive_group(required=True)
    way.add_argument("offer", nargs="?", metavar="OFFER", help="the offer link; - reads it")
    way.add_argument("--image", type=Path, metavar="FILE", help="a picture of the offer's QR code")
    way.add_argument("--scan", action="store_true", help="scan the QR code with the camera")
    way.add_argument("--issuer", metavar="URL", help="no offer: come to this issuer without one")
    add.add_argument(
        "--configuration",
        action="append",
        default=[],
        metavar="ID",
        help="which of several credentials; may be given several times (default: all)",
    )
    add.add_argument("--grant", choices=list(GRANTS), help="how to be let in, of several ways")
    add.add_argument("--tx-code", metavar="CODE", help="the code that the issuer sent you")
    add.add_argument("--yes", action="store_true", help="contact the issuer and accept its offer")
    _accepts(add)
    _print_url(add)
    _trace(add)
    refresh = command("refresh", "have a credential issued anew, where its issuer allows it")
    refresh.add_argument("id", metavar="ID", help="as `wallet list` prints it")
    _accepts(refresh)
    _trace(refresh)
    issuer = command("issuer", "list what an issuer has to give, and what this wallet can get")
    issuer.add_argument("url", metavar="URL", help="the Credential Issuer Identifier")
    issuer.add_argument("--yes", action="store_true", help="contact the issuer")
    command("list", "list the credentials")
    for name, text in (
        ("show", "show a credential with its claims"),
        ("remove", "remove a credential for good"),
    ):
        command(name, text).add_argument("id", metavar="ID", help="as `wallet list` prints it")
    status = command("status", "ask whether credentials still stand", STATUS)
    status.add_argument("id", nargs="?", default="", metavar="ID", help="just this one")
    verify = command("verify", "verify a credential again", VERIFY)
    verify.add_argument("id", metavar="ID", help="as `wallet list` prints it")
    _trace(verify)
    trust = command("trust", "list whom this wallet trusts, and change that", TRUST)
    trust.add_argument("action", nargs="?", choices=["list", "add", "remove"], default="list")
    trust.add_argument("whom", nargs="?", metavar="FILE|URL|DID|FINGERPRINT")
    pending = command("pending", "list the issuances that are not over, and go on with them")
    what = pending.add_mutually_exclusive_group()
    what.add_argument(
        "--check", action="store_true", help="ask issuers for what they put off, where it is time"
    )
    what.add_argument("--resume", metavar="ID", help="go on with it, from where it stands")
    what.add_argument("--drop", metavar="ID", help="forget it, with its keys")
    _accepts(pending)
    _print_url(pending)
    _vault_commands(command)
    command("settings", "print the settings in force and where each came from")
    return top
