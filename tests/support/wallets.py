"""Fresh wallets for servers on this computer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from wallet.app import Wallet
from wallet.records import Secret
from wallet.settings import load


@asynccontextmanager
async def fresh_wallet(folder: Path, anchor: bytes = b"", **flags: Any) -> AsyncIterator[Wallet]:
    """A new wallet in `folder`, open.

    Args:
        folder: Where it keeps what it keeps.
        anchor: PEM of the authority it trusts, if any.
        flags: Further settings.
    """
    if anchor:
        (folder / "root.pem").write_bytes(anchor)
        flags = {"trust_anchor": [str(folder / "root.pem")], **flags}
    given = {
        "data_folder": folder / "wallet",
        "http_timeout": "5",
        "key_derivation_ms": "0",
        "loopback_development": True,
        "language": ["en"],
        **flags,
    }
    async with Wallet(load(given, {})) as wallet:
        await wallet.create(Secret("correct horse"))
        yield wallet
