"""The command `wallet` as a script calls it, and who plays its browser."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


class WalletCommand:
    """A wallet with a data folder of its own."""

    def __init__(self, folder: Path, ca_file: Path) -> None:
        (folder / "passphrase").write_text("sentinel-passphrase\n")
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        self._environment = kept | {
            "HOME": str(folder),
            "WALLET_DATA_FOLDER": str(folder / "wallet"),
            "WALLET_PASSPHRASE_FILE": str(folder / "passphrase"),
            "WALLET_KEY_DERIVATION_MS": "0",
            "WALLET_LOOPBACK_DEVELOPMENT": "true",
            "WALLET_LANGUAGE": "en",
            "WALLET_CA_FILE": str(ca_file),
            "WALLET_REDIRECT_PATH": "callback",
        }

    def __call__(self, *arguments: str, browser: Callable[[str], object]) -> tuple[int, Any]:
        """Run a command with `--json`: exit code and answer. `browser` opens what it prints."""
        with subprocess.Popen(
            [sys.executable, "-m", "wallet", *arguments, "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
        ) as process:
            assert process.stdout
            assert process.stderr
            said = ""
            for line in process.stderr:
                said += line
                if line.startswith("http"):
                    browser(line.strip())
            out = process.stdout.read()
        assert out, said
        return process.returncode, json.loads(out)

    def add(
        self, offer: str, anchor: Path, browser: Callable[[str], object], *arguments: str
    ) -> Any:
        """What came of an offer, as `wallet add` prints it."""
        way = ("--yes", "--no-browser", "--trust-anchor", str(anchor))
        code, answer = self("add", offer, *way, *arguments, browser=browser)
        assert code == 0, answer
        return answer
