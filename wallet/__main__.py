"""The command `wallet`: the window, or a command of the command line."""

import os
import sys

from wallet import memory
from wallet.app import Wallet
from wallet.cli.arguments import parser
from wallet.errors import WalletError
from wallet.settings import load


def main() -> int:
    """Choose a face and run it; returns the exit code."""
    arguments = parser().parse_args()
    if not arguments.command:  # only a window stays when the wallet is locked
        memory.overwrite_what_is_freed()
    memory.conceal()
    given = vars(arguments)
    try:
        in_force = load(
            given,
            os.environ,
            profile=given.get("profile", ""),
            file=given.get("settings_file"),
        )
    except WalletError as error:
        from wallet.cli.commands import tell  # noqa: PLC0415 - only when it is needed

        return tell(error, as_json=given.get("json", False))
    wallet = Wallet(in_force)
    if arguments.command:
        from wallet.cli.commands import run  # noqa: PLC0415 - only the face that is used

        return run(wallet, arguments)
    from wallet import gui  # noqa: PLC0415

    return gui.run(wallet)


if __name__ == "__main__":
    sys.exit(main())
