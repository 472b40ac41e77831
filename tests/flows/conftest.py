"""A real wallet and a simulated issuer, on sockets."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.holder import WillingHolder
from tests.support.simulator import Simulator, simulated_issuer
from wallet.app import Wallet
from wallet.records import Secret
from wallet.settings import load


@pytest.fixture
def issuer() -> Iterator[Simulator]:
    with simulated_issuer() as simulator:
        yield simulator


@pytest.fixture
def holder() -> WillingHolder:
    return WillingHolder()


@pytest.fixture
async def wallet(tmp_path: Path, issuer: Simulator) -> AsyncIterator[Wallet]:
    anchor = tmp_path / "root.pem"
    anchor.write_bytes(issuer.authority.pem)
    flags = {
        "data_folder": tmp_path / "wallet",
        "trust_anchor": [str(anchor)],
        "http_timeout": "5",
        "loopback_development": True,
        "language": ["en"],
    }
    async with Wallet(load(flags, {})) as wallet:
        await wallet.create(Secret("correct horse"))
        yield wallet
