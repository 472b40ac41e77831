"""The arguments of the command `wallet`."""

import argparse
import typing
from importlib.metadata import version
from pathlib import Path

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

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=text,
            description=text,
            parents=[json, settings],
            epilog=EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    create = command("create", "make a new wallet; `add` does it too when there is none")
    create.add_argument(
        "--with-passphrase", action="store_true", help="protect it by a passphrase, not the keyring"
    )
    add = command("add", "get a credential from an offer")
    way = add.add_mutually_exclusive_group(required=True)
    way.add_argument("offer", nargs="?", metavar="OFFER", help="the offer link; - reads it")
    way.add_argument("--image", type=Path, metavar="FILE", help="a picture of the offer's QR code")
    way.add_argument("--scan", action="store_true", help="scan the QR code with the camera")
    add.add_argument("--configuration", metavar="ID", help="which of several offered credentials")
    add.add_argument("--yes", action="store_true", help="contact the issuer and accept its offer")
    add.add_argument(
        "--no-browser",
        dest="print_url",
        action="store_true",
        help="print the authorization URL instead of opening it, and wait for the redirect",
    )
    command("list", "list the credentials")
    for name, text in (
        ("show", "show a credential with its claims"),
        ("remove", "remove a credential for good"),
    ):
        command(name, text).add_argument("id", metavar="ID", help="as `wallet list` prints it")
    command("settings", "print the settings in force and where each came from")
    return top
