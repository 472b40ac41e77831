"""Wrong passphrases: the first few are free, then each costs more waiting, also after a restart."""

import json
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from wallet.errors import LocalFailure
from wallet.vault.slots import replace_file

FREE: Final = 5
LONGEST_S: Final = 300


class Throttle:
    """Counts tries in a file beside the key file.

    Who can delete the file can guess without the wallet, too; against them the derivation's cost
    and the keyring's half stand.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, now: datetime) -> None:
        """Count a try before it is made, so that ending the wallet does not undo it.

        Raises:
            LocalFailure: `passphrase_wait`, with the seconds that are left.
        """
        tries, last = self._read(now)
        left = (min(last, now) + timedelta(seconds=_delay(tries)) - now).total_seconds()
        if left > 0:
            if last > now:  # the clock was put back: the waiting begins anew
                self._write(tries, now)
            raise LocalFailure("passphrase_wait", f"{int(left) + 1} seconds")
        self._write(tries + 1, now)

    def succeeded(self) -> None:
        """Forget the tries."""
        self._path.unlink(missing_ok=True)

    def _read(self, now: datetime) -> tuple[int, datetime]:
        with suppress(OSError, ValueError, KeyError, TypeError, OverflowError):
            members = json.loads(self._path.read_bytes())
            tries, last = int(members["tries"]), datetime.fromisoformat(members["last"])
            if tries >= 0 and last.tzinfo is not None:
                return tries, last
        return 0, now

    def _write(self, tries: int, now: datetime) -> None:
        members = {"tries": tries, "last": now.isoformat()}
        replace_file(self._path, json.dumps(members).encode())


def _delay(tries: int) -> int:
    """Seconds to wait after so many tries."""
    return 0 if tries < FREE else min(2 ** min(tries - FREE, 20), LONGEST_S)
