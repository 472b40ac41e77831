"""The commands about what protects the wallet, and about its backups."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Final

from wallet.app import Door, Wallet
from wallet.cli.holder import ask_passphrase, ask_secret, read_secret
from wallet.cli.opening import NO_WALLET, make, open_present
from wallet.cli.output import note, print_json, print_list, print_protection, summary_json
from wallet.cli.recovery import (
    RECOVERY_FLAG,
    can_show,
    code_file,
    hand_over_new_code,
    uninterrupted,
)
from wallet.errors import LocalFailure
from wallet.records import Secret

Command = Callable[[Wallet, argparse.Namespace], Awaitable[None]]

BACKUP_FLAG: Final = "--backup-passphrase-file"
NEW_FLAG: Final = "--new-passphrase-file"


async def create(wallet: Wallet, arguments: argparse.Namespace) -> None:
    """Make a wallet, with a recovery code where there is a way to hand it over."""
    if wallet.door is not Door.NEW:
        raise LocalFailure("settings_invalid", "this profile has a wallet already")
    file: Path | None = arguments.recovery_code_file
    with code_file(file):
        await make(wallet, with_passphrase=arguments.with_passphrase)
        if file is not None or can_show(as_json=arguments.json):
            await hand_over_new_code(wallet, file)
    if arguments.json:
        protection = asdict(await wallet.protection())
        print_json({"data_folder": str(wallet.in_force.settings.data_folder), **protection})


async def _protection(wallet: Wallet, arguments: argparse.Namespace) -> None:
    await open_present(wallet)
    await _show_protection(wallet, arguments)


async def _protect(wallet: Wallet, arguments: argparse.Namespace) -> None:
    await open_present(wallet)
    new = _new_passphrase(arguments)
    note("· Protecting it anew …")
    await wallet.protect(new)
    await _show_protection(wallet, arguments)
    await _note_other_passphrase(wallet, new)


async def _recovery(wallet: Wallet, arguments: argparse.Namespace) -> None:
    if arguments.recovery_code_file is None and not can_show(as_json=arguments.json):
        detail = f"there is no terminal to show a code at: give {RECOVERY_FLAG}"
        raise LocalFailure("settings_invalid", detail)
    file: Path | None = arguments.recovery_code_file
    with code_file(file):
        await open_present(wallet)
        await hand_over_new_code(wallet, file)
    if arguments.json:
        print_json(asdict(await wallet.protection()))


async def _recover(wallet: Wallet, arguments: argparse.Namespace) -> None:
    if wallet.door is Door.NEW:
        raise LocalFailure("settings_invalid", NO_WALLET)
    if arguments.recovery_code_file is not None:
        code = read_secret(arguments.recovery_code_file, RECOVERY_FLAG)
    else:
        code = ask_secret("Recovery code:", RECOVERY_FLAG)
    new = _new_passphrase(arguments)
    note("· Opening it by the recovery code, and protecting it anew …")
    with uninterrupted():  # opening by the code sets up a keyring that was in use anew
        await wallet.open(recovery_code=code)
        await wallet.protect(new)
    await _show_protection(wallet, arguments)
    await _note_other_passphrase(wallet, new)


async def _rotate(wallet: Wallet, arguments: argparse.Namespace) -> None:
    await open_present(wallet)
    note("· Encrypting everything anew …")
    await wallet.rotate()
    if arguments.json:
        print_json({"rotated": True})
    else:
        note("Everything is encrypted under a fresh key. Older backups open as before.")


async def _backup(wallet: Wallet, arguments: argparse.Namespace) -> None:
    with _new_file(arguments.file, force=arguments.force):
        await open_present(wallet)
        passphrase = _passphrase_of_file(arguments, new=True)
        note("· Writing the backup, and reading it back …")
        size = await wallet.backup(arguments.file, passphrase)
    if arguments.json:
        print_json({"file": str(arguments.file), "bytes": size})
    else:
        note(f"Wrote everything into {arguments.file}, {size} bytes.")


async def _restore(wallet: Wallet, arguments: argparse.Namespace) -> None:
    passphrase = _passphrase_of_file(arguments, new=False)
    protection = None
    if arguments.with_passphrase and arguments.new_passphrase_file is None:
        protection = await wallet.passphrase_from_file()
    protection = protection or _new_passphrase(arguments)
    note("· Reading the backup, and making the wallet of it …")
    try:
        await wallet.restore(
            arguments.file, passphrase, protection, replace_present=arguments.replace
        )
    except LocalFailure as failure:
        if failure.code in ("store_present", "backup_older"):
            note("--replace restores over it.")
        raise
    cards = await wallet.cards()
    if arguments.json:
        print_json([summary_json(card) for card in cards])
    else:
        note("Restored:")
        print_list(cards)
    await _note_other_passphrase(wallet, protection)


async def _export(wallet: Wallet, arguments: argparse.Namespace) -> None:
    with _new_file(arguments.file, force=arguments.force):
        await open_present(wallet)
        await wallet.card(arguments.id)
        passphrase = _passphrase_of_file(arguments, new=True)
        note("· Writing the file, and reading it back …")
        await wallet.export_credential(arguments.id, arguments.file, passphrase)
    if arguments.json:
        print_json({"file": str(arguments.file), "id": arguments.id})
    else:
        note(f"Wrote the credential and its key into {arguments.file}.")


async def _import(wallet: Wallet, arguments: argparse.Namespace) -> None:
    await open_present(wallet)
    passphrase = _passphrase_of_file(arguments, new=False)
    note("· Reading the file …")
    cards = await wallet.import_credentials(arguments.file, passphrase)
    if arguments.json:
        print_json([summary_json(card) for card in cards])
    elif cards:
        print_list(cards)
    else:
        note("Every credential of the file is here already.")


# --- what they share ------------------------------------------------------------------------------


def _new_passphrase(arguments: argparse.Namespace) -> Secret[str] | None:
    """What is to open the wallet from now on; None for the keyring."""
    if arguments.new_passphrase_file is not None:
        if arguments.with_keyring:
            raise LocalFailure("settings_invalid", f"{NEW_FLAG} goes with --with-passphrase only")
        return read_secret(arguments.new_passphrase_file, NEW_FLAG)
    if arguments.with_keyring:
        return None
    return ask_passphrase("Choose a new passphrase:", NEW_FLAG, twice=True)


def _passphrase_of_file(arguments: argparse.Namespace, *, new: bool) -> Secret[str]:
    """The passphrase of a backup or an exported file."""
    if arguments.backup_passphrase_file is not None:
        return read_secret(arguments.backup_passphrase_file, BACKUP_FLAG)
    question = "Choose a passphrase for this file:" if new else "Passphrase of this file:"
    return ask_passphrase(question, BACKUP_FLAG, twice=new)


@contextmanager
def _new_file(path: Path, *, force: bool) -> Iterator[None]:
    """See that a file is not overwritten unasked, nor left behind by who was interrupted."""
    present = path.exists()
    if present and not force:
        raise LocalFailure("settings_invalid", f"{path} is there already; --force overwrites it")
    try:
        yield
    except asyncio.CancelledError:  # the vault has finished writing it meanwhile
        if not present:
            path.unlink(missing_ok=True)
        raise


async def _note_other_passphrase(wallet: Wallet, new: Secret[str] | None) -> None:
    """Tell whoever keeps the passphrase in a file that it is another one now."""
    file = wallet.in_force.settings.passphrase_file
    if file is None or new is None:
        return
    with suppress(LocalFailure):
        present = await wallet.passphrase_from_file()
        if present is not None and present.reveal() == new.reveal():
            return
    note(f"The setting passphrase_file names {file}, which does not hold the new passphrase.")


async def _show_protection(wallet: Wallet, arguments: argparse.Namespace) -> None:
    protection = await wallet.protection()
    if arguments.json:
        print_json(asdict(protection))
    else:
        print_protection(protection)


VAULT_COMMANDS: Final[Mapping[str, Command]] = {
    "protection": _protection,
    "protect": _protect,
    "recovery": _recovery,
    "recover": _recover,
    "rotate": _rotate,
    "backup": _backup,
    "restore": _restore,
    "export": _export,
    "import": _import,
}
