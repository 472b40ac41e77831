"""Opening the wallet for a command, or making it."""

from wallet.app import Door, Wallet
from wallet.cli.holder import ask_passphrase
from wallet.cli.output import note
from wallet.errors import LocalFailure

STORE_FLAG = "--passphrase-file"
NO_WALLET = "there is no wallet in this profile yet; `wallet create` makes one"


async def open_wallet(wallet: Wallet, *, may_create: bool = False) -> None:
    """Open the wallet by the keyring or the passphrase; where there is none, leave or make it."""
    match wallet.door:
        case Door.LOCKED:
            passphrase = await wallet.passphrase_from_file()
            await wallet.open(passphrase or ask_passphrase("Passphrase:", STORE_FLAG))
        case Door.CLOSED:
            await wallet.open()
        case Door.NEW if may_create:
            await make(wallet, with_passphrase=False)
        case Door.NEW | Door.OPEN:
            pass


async def open_present(wallet: Wallet, otherwise: LocalFailure | None = None) -> None:
    """Open the wallet that is there.

    Args:
        wallet: The wallet.
        otherwise: What to raise where there is none; `settings_invalid` if not given.
    """
    if wallet.door is Door.NEW:
        raise otherwise or LocalFailure("settings_invalid", NO_WALLET)
    await open_wallet(wallet)


async def make(wallet: Wallet, *, with_passphrase: bool) -> None:
    """Make a wallet; without a keyring it needs a passphrase."""
    passphrase = await wallet.passphrase_from_file()
    if passphrase is None and (with_passphrase or not await wallet.keyring_usable()):
        passphrase = ask_passphrase("Choose a passphrase:", STORE_FLAG, twice=True)
    await wallet.create(passphrase)
    note(f"Made a new wallet, protected by {'a passphrase' if passphrase else 'the keyring'}.")


async def remind(wallet: Wallet) -> None:
    """Tell a person that their recovery code is missing, or was never confirmed."""
    if wallet.door is not Door.OPEN:
        return
    protection = await wallet.protection()
    if not protection.recovery:
        note("This wallet has no recovery code yet: `wallet recovery` makes one.")
    elif not protection.recovery_confirmed:
        note("The recovery code was never confirmed: `wallet recovery` makes a new one.")
